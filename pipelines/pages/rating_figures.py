"""A photo's ratings as a card shows them: a number, and a column for each rating."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fcn_core.labels import RatingTask
from pipelines.pages import figures

TITLES: Final[Mapping[RatingTask, str]] = {
    "aesthetics": "Aesthetics",
    "technical": "Technical quality",
}
"""What people read for the tasks whose answer is ratings."""


@dataclass(frozen=True, slots=True)
class RatingFigure:
    """One photo's ratings of one kind.

    Attributes:
        name: Which: a task, or what a data set has.
        title: The same for people.
        score: Mean rating.
        spread: Its standard deviation, where it is known.
        shares: Of the votes, for each of the bins; none where only the mean is known.
        bins: The ratings.
        boxes: Draw the shares.
        mean_position: Where the score is among the boxes, in percent from the left.
    """

    name: str
    title: str
    score: float
    spread: float | None
    shares: tuple[float, ...]
    bins: tuple[float, ...]
    boxes: tuple[figures.Box, ...]
    mean_position: float | None


def rating_figure(
    name: str,
    title: str,
    *,
    score: float,
    spread: float | None,
    shares: Sequence[float],
    bins: Sequence[float],
) -> RatingFigure:
    """Returns the drawing of a photo's ratings; see `RatingFigure`."""
    return RatingFigure(
        name=name,
        title=title,
        score=score,
        spread=spread,
        shares=tuple(shares),
        bins=tuple(bins),
        boxes=figures.rating_boxes(shares),
        mean_position=figures.position_among(score, bins),
    )
