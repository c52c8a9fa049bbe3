"""What a person reads in the terminal when a night is done."""

from collections.abc import Sequence

from fcn_core.labels import RATING_TASKS, RatingTask
from fcn_core.scoring.precisions import describe
from pipelines.chunks.finish import text_of
from pipelines.score.layout import NightFolder
from pipelines.score.summary import Summary
from pipelines.score.table import batches
from pipelines.score.unread import unread_text

_BARS = "▁▂▃▄▅▆▇█"


def closing_lines(folder: NightFolder, summary: Summary) -> list[str]:
    """Returns what to print of a scored night: counts, scores, where to look."""
    counts = f"{summary.planned} planned  {summary.ok} ok"
    counts += f"  {summary.failed} failed  {summary.skipped} skipped"
    if summary.computed:
        speed = f"{summary.images_per_second:.1f} images/s"
        counts += f"  {speed}  {summary.seconds:.0f} s"
    lines = [counts]
    if summary.failures:
        lines.append(f"failed: {text_of(summary.failures)}")
    if summary.unread:
        lines.append(unread_text(summary.unread_places, summary.unread))
    for task, scores in _means(folder).items():
        if scores:
            average = sum(scores) / len(scores)
            lines.append(
                f"{task:10}  {min(scores):.1f}..{max(scores):.1f}  mean {average:.1f}  "
                + sparkline(scores)
            )
    if computed := {m.name: m.precision for m in summary.models if m.precision}:
        lines.append(f"engine {summary.engine}, {describe(computed)}")
    return [*lines, f"table  {folder.scores}", f"page   {folder.page}"]


def _means(folder: NightFolder) -> dict[RatingTask, list[float]]:
    """Returns the mean ratings of all photos, read once for all tasks."""
    means: dict[RatingTask, list[float]] = {task: [] for task in RATING_TASKS}
    for batch in batches(folder, [f"{task}_mean" for task in RATING_TASKS]):
        for task, found in means.items():
            found += batch.column(f"{task}_mean").drop_null().to_pylist()
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
