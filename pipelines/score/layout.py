"""Where the files of an output are: the only place that spells their names."""

from dataclasses import dataclass

from pipelines import files
from pipelines.chunks.layout import Place

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

    run = Place("out", "_runs", "run_date={0.run_date}")
    """The folder of our own files."""
    pieces = Place("run", "plan")
    """The folder of the planned items."""
    parts = Place("run", "parts")
    """The folder of the parts."""
    commit = Place("run", "_COMMIT.json")
    """The file that decides that a night is published."""
    refusal = Place("run", "_FAILED")
    """The file that says why a night is not published."""
    scores = Place("out", "scores", "run_date={0.run_date}")
    """The folder of the published table."""
    success = Place("scores", "_SUCCESS")
    """The mark that the table is whole."""
    report = Place("out", "report", "run_date={0.run_date}")
    """The folder of the page and the summary."""
    page = Place("report", "index.html")
    """The page."""
    summary = Place("report", "summary.json")
    """The night in numbers."""
    masks = Place("out", "masks", "run_date={0.run_date}")
    """The folder of the masks."""

    def staging(self, attempt: str) -> str:
        """Returns the folder where an attempt merges the table."""
        return files.join(self.run, f".staging-{attempt}.tmp")

    def tables(self) -> list[str]:
        """Returns the files of the rows: the published table, or the parts before."""
        return _parquet_files(self.scores) or _parquet_files(self.parts)


def _parquet_files(folder: str) -> list[str]:
    return [
        files.join(folder, name)
        for name in files.list_names(folder)
        if name.endswith(".parquet")
    ]
