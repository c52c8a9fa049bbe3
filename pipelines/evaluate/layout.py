"""Where the files of an evaluation are: the only place that spells their names."""

from dataclasses import dataclass

from pipelines import files


@dataclass(frozen=True)
class EvaluationFiles:
    """The paths of an evaluation.

    Attributes:
        output: The figures, a JSON file; everything else lies beside it.
    """

    output: str

    def _beside(self, ending: str) -> str:
        return self.output.removesuffix(".json") + ending

    @property
    def folder(self) -> str:
        """The folder that all of it lies in."""
        return self.output.rpartition("/")[0]

    @property
    def page(self) -> str:
        """The page."""
        return self._beside(".html")

    @property
    def photos(self) -> str:
        """The table of all photos."""
        return self._beside(".photos.parquet")

    @property
    def work(self) -> str:
        """Our own folder; gone when all is published."""
        return self._beside(".work")

    @property
    def plan(self) -> str:
        """The frozen plan."""
        return files.join(self.work, "plan.json")

    @property
    def parts(self) -> str:
        """The folder of the parts."""
        return files.join(self.work, "parts")

    @property
    def worst(self) -> str:
        """The worst photos with their pictures, which the page is made of."""
        return files.join(self.work, "worst.parquet")

    @property
    def refusal(self) -> str:
        """The file that says why the evaluation is not published."""
        return files.join(self.work, "FAILED")
