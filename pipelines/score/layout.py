"""Where the files of an output are."""

from pipelines import files

OUTPUT_FOLDERS = ("_runs", "masks", "report", "scores")
"""What `fcn score` writes below its output."""


def run_folder(out: str, run_date: str) -> str:
    """Returns the folder of a night's plan pieces, parts and commit."""
    return files.join(out, "_runs", f"run_date={run_date}")


def plan_uri(out: str, sequence: int, ending: str = "json") -> str:
    """Returns the name of a plan, or of the mark that it is discarded."""
    return files.join(out, "_runs", "plans", f"{sequence:08}.{ending}")


def scores_folder(out: str, run_date: str) -> str:
    """Returns the folder of a night's published table."""
    return files.join(out, "scores", f"run_date={run_date}")


def report_folder(out: str, run_date: str) -> str:
    """Returns the folder of a night's page and summary."""
    return files.join(out, "report", f"run_date={run_date}")


def page_uri(out: str, run_date: str) -> str:
    """Returns the name of a night's page."""
    return files.join(report_folder(out, run_date), "index.html")


def part_uri(out: str, run_date: str, chunk: int) -> str:
    """Returns the name of a chunk's part."""
    folder = run_folder(out, run_date)
    return files.join(folder, "parts", f"chunk-{chunk:08}.parquet")


def table_uris(out: str, run_date: str) -> list[str]:
    """Returns the files that hold a night's rows: its table, or its parts before."""
    published = _parquet_files(scores_folder(out, run_date))
    return published or _parquet_files(files.join(run_folder(out, run_date), "parts"))


def _parquet_files(folder: str) -> list[str]:
    return [
        files.join(folder, name)
        for name in files.list_names(folder)
        if name.endswith(".parquet")
    ]


def commit_uri(out: str, run_date: str) -> str:
    """Returns the name of a night's commit."""
    return files.join(run_folder(out, run_date), "_COMMIT.json")


def failed_uri(out: str, run_date: str) -> str:
    """Returns the name of what tells why a night is not published."""
    return files.join(run_folder(out, run_date), "_FAILED")


def summary_uri(out: str, run_date: str) -> str:
    """Returns the name of a night in numbers."""
    return files.join(report_folder(out, run_date), "summary.json")
