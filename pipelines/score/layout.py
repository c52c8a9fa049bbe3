"""Where the files of an output are: the only place that spells their names."""

from dataclasses import dataclass

from pipelines import files

OUTPUT_FOLDERS = ("_runs", "masks", "report", "scores")
"""What `fcn score` writes below its output."""


def plans_folder(out: str) -> str:
    """Returns the folder of an output's plans."""
    return files.join(out, "_runs", "plans")


def plan_uri(out: str, sequence: int, ending: str = "json") -> str:
    """Returns the name of a plan, or of the mark that it is discarded."""
    return files.join(plans_folder(out), f"{sequence:08}.{ending}")


@dataclass(frozen=True)
class NightFolder:
    """The paths of a night.

    Attributes:
        out: The output.
        run_date: The night, and the Hive key of its folders.
    """

    out: str
    run_date: str

    @property
    def run(self) -> str:
        """The folder of our own files."""
        return files.join(self.out, "_runs", f"run_date={self.run_date}")

    @property
    def pieces(self) -> str:
        """The folder of the planned items."""
        return files.join(self.run, "plan")

    @property
    def parts(self) -> str:
        """The folder of the parts."""
        return files.join(self.run, "parts")

    @property
    def commit(self) -> str:
        """The file that decides that a night is published."""
        return files.join(self.run, "_COMMIT.json")

    @property
    def refusal(self) -> str:
        """The file that says why a night is not published."""
        return files.join(self.run, "_FAILED")

    def staging(self, attempt: str) -> str:
        """Returns the folder where an attempt merges the table."""
        return files.join(self.run, f".staging-{attempt}.tmp")

    @property
    def scores(self) -> str:
        """The folder of the published table."""
        return files.join(self.out, "scores", f"run_date={self.run_date}")

    @property
    def success(self) -> str:
        """The mark that the table is whole."""
        return files.join(self.scores, "_SUCCESS")

    @property
    def report(self) -> str:
        """The folder of the page and the summary."""
        return files.join(self.out, "report", f"run_date={self.run_date}")

    @property
    def page(self) -> str:
        """The page."""
        return files.join(self.report, "index.html")

    @property
    def summary(self) -> str:
        """The night in numbers."""
        return files.join(self.report, "summary.json")

    @property
    def masks(self) -> str:
        """The folder of the masks."""
        return files.join(self.out, "masks", f"run_date={self.run_date}")

    def tables(self) -> list[str]:
        """Returns the files of the rows: the published table, or the parts before."""
        return _parquet_files(self.scores) or _parquet_files(self.parts)


def _parquet_files(folder: str) -> list[str]:
    return [
        files.join(folder, name)
        for name in files.list_names(folder)
        if name.endswith(".parquet")
    ]
