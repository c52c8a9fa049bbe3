"""What `fcn evaluate` prints when it is done."""

from pipelines.chunks.finish import text_of
from pipelines.evaluate.figures import Figures, RatingFigures
from pipelines.evaluate.layout import EvaluationFiles
from pipelines.evaluate.rating_rows import confidence, rating_rows

_FIGURES = {
    "segmentation": (
        ("mIoU", "miou"),
        ("pixel accuracy", "pixel_accuracy"),
        ("mean accuracy", "mean_accuracy"),
        ("frequency-weighted IoU", "frequency_weighted_iou"),
    ),
    "aesthetics": (
        ("accuracy", "accuracy"),
        ("SRCC", "srcc_mean"),
        ("LCC", "lcc_mean"),
        ("EMD r=2", "emd_r2"),
    ),
}


def heads(figures: Figures) -> tuple[str, ...]:
    """Returns the heads of the table: names first, then numbers."""
    if isinstance(figures, RatingFigures):
        return ("figure", "model", f"{confidence(figures)} interval", "baseline")
    return ("class", "IoU", "accuracy", "pixels")


def rows(figures: Figures) -> list[tuple[str, ...]]:
    """Returns the figures as rows of a table: a class each, or a rating figure each."""
    if isinstance(figures, RatingFigures):
        return _rating_rows(figures)
    total = max(figures.pixels, 1)
    return [
        (
            name,
            _text(figures.iou[name]),
            _text(figures.class_accuracy[name]),
            f"{sum(counts) / total:.2%}",
        )
        for name, counts in zip(figures.classes, figures.confusion, strict=True)
    ]


def _rating_rows(figures: RatingFigures) -> list[tuple[str, ...]]:
    return [
        (row.name, _text(row.value), _interval_text(row.interval), _text(row.baseline))
        for row in rating_rows(figures)
    ]


def closing_lines(figures: Figures, places: EvaluationFiles) -> list[str]:
    """Returns what stands below the table: the figures, the leak check, the files."""
    named = _FIGURES[figures.task]
    lines = ["  ".join(f"{name} {_text(getattr(figures, key))}" for name, key in named)]
    lines.append(
        f"{figures.planned} planned = {figures.images} evaluated + "
        f"{figures.failed} failed  {figures.seconds:.1f} s"
    )
    if figures.failures:
        lines.append(f"failed: {text_of(figures.failures)}")
    leak = figures.leak
    if leak.why:
        lines.append(f"leak: {leak.why}; these figures are too good")
    else:
        text = f"leak check: compared {leak.compared}"
        if leak.not_compared:
            text += f"; not compared: {leak.not_compared}"
        lines.append(text)
    lines += [f"json   {places.output}", f"page   {places.page}"]
    return [*lines, f"photos {places.photos}"]


def _interval_text(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
