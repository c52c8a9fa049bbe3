"""The figures of ratings as rows, which the terminal and the page show alike."""

from typing import Final, NamedTuple

from pipelines.evaluate.figures import RatingFigures

_CHANCE: Final = 0.0
"""What a correlation is on average where ratings have nothing to do with the photos."""


class RatingRow(NamedTuple):
    """One figure.

    Attributes:
        name: For people.
        value: The model's; None where it cannot be computed.
        interval: Around it, where there is one.
        baseline: What is reached without looking at a photo.
    """

    name: str
    value: float | None
    interval: tuple[float, float] | None
    baseline: float | None


def confidence(figures: RatingFigures) -> str:
    """Returns the share of resamples inside the intervals, such as 95%."""
    found = figures.intervals
    return "95%" if found is None else f"{found.confidence:.0%}"


def rating_rows(figures: RatingFigures) -> list[RatingRow]:
    """Returns the rows, the most telling first."""
    found, base = figures.intervals, figures.baselines
    srcc, lcc = (found.srcc_mean, found.lcc_mean) if found else (None, None)
    at = f"{figures.accuracy_at:g}" if figures.accuracy_at is not None else "the middle"
    accuracy = (figures.accuracy, None, base.majority_accuracy)
    return [
        RatingRow("SRCC of means", figures.srcc_mean, srcc, _CHANCE),
        RatingRow("LCC of means", figures.lcc_mean, lcc, _CHANCE),
        RatingRow(
            "Mean distance of means", figures.mae_mean, None, base.constant_mae_mean
        ),
        RatingRow(f"Accuracy at {at}", *accuracy),
        RatingRow("EMD, r = 1", figures.emd_r1, None, base.constant_emd_r1),
        RatingRow("EMD, r = 2", figures.emd_r2, None, base.constant_emd_r2),
        RatingRow("SRCC of standard deviations", figures.srcc_std, None, _CHANCE),
        RatingRow("LCC of standard deviations", figures.lcc_std, None, _CHANCE),
    ]
