"""What a person reads in the terminal when a night is done."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.parquet as pq

from pipelines import files
from pipelines.score.layout import page_uri, scores_folder

_BARS = "▁▂▃▄▅▆▇█"


def night_lines(out: str, summary: Mapping[str, Any]) -> list[str]:
    """Returns the closing lines of a scored night: counts, scores, where to look."""
    run_date = summary["run_date"]
    counts = f"{summary['planned']} planned  {summary['ok']} ok"
    counts += f"  {summary['failed']} failed  {summary['skipped']} skipped"
    if summary["computed"]:
        counts += f"  {summary['images_per_second']:.1f} images/s"
        counts += f"  {summary['seconds']:.0f} s"
    lines = [counts]
    if summary["failures"]:
        reasons = (f"{reason} {n}" for reason, n in summary["failures"].items())
        lines.append("failed: " + ", ".join(reasons))
    if (scores := _means(out, run_date)) and summary["ok"]:
        average = sum(scores) / len(scores)
        lines.append(
            f"scores {min(scores):.1f}..{max(scores):.1f}  mean {average:.1f}  "
            + sparkline(scores)
        )
    lines.append(f"table  {scores_folder(out, run_date)}")
    lines.append(f"page   {page_uri(out, run_date)}")
    return lines


def _means(out: str, run_date: str) -> list[float]:
    folder = scores_folder(out, run_date)
    means: list[float] = []
    for name in files.list_names(folder):
        if name.endswith(".parquet"):
            path = files.to_path(files.join(folder, name))
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(columns=["aesthetics_mean"]):
                    means += batch.column(0).drop_null().to_pylist()
    return means


def sparkline(values: Sequence[float], *, bins: int = 12) -> str:
    """Returns a histogram of the values in one line of text."""
    lowest, highest = min(values), max(values)
    counts = [0] * bins
    for value in values:
        share = (value - lowest) / (highest - lowest) if highest > lowest else 0.0
        counts[min(int(share * bins), bins - 1)] += 1
    top = max(counts)
    return "".join(
        _BARS[round(n / top * (len(_BARS) - 1))] if n else " " for n in counts
    )
