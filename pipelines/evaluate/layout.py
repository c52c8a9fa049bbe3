"""Where the files of an evaluation are: the only place that spells their names."""

from dataclasses import dataclass

from pipelines.chunks.layout import Place


@dataclass(frozen=True)
class EvaluationFiles:
    """The paths of an evaluation.

    Attributes:
        output: The figures, a JSON file; everything else lies beside it.
    """

    output: str

    plan = Place("work", "plan.json")
    """The frozen plan."""
    parts = Place("work", "parts")
    """The folder of the parts."""
    rows = Place("work", "rows.jsonl")
    """The rows of a table of ratings, where there are no records."""
    worst = Place("work", "worst.parquet")
    """The worst photos with their pictures, which the page is made of."""
    refusal = Place("work", "FAILED")
    """The file that says why the evaluation is not published."""

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
