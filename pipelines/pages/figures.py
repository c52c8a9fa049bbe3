"""Drawings of the pages as plain coordinates: numbers in, percentages out.

Everything is in percent of the drawing's width and height, so that the page can give
a drawing any size while its lettering keeps its own.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FINE_BINS: Final = 180
"""Scores are counted this finely; the histogram joins neighbours (1..10: 0.05)."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Mean scores of photos, counted.

    Attributes:
        low: The lowest possible score, where the first fine bin starts.
        high: The highest possible score, where the last fine bin ends.
        counts: int64 `[FINE_BINS]` photos.
        lowest: The lowest score given; NaN where there is none, as are the next two.
        mean: Of all scores.
        highest: The highest score given.
    """

    low: float
    high: float
    counts: NDArray[np.int64]
    lowest: float
    mean: float
    highest: float


_MOST_BARS: Final = 30
_FEWEST_BARS: Final = 12
_JOINS: Final = (2, 4, 5, 10, 20)
"""How many fine bins one bar may join; for ratings 1..10: 0.1, 0.2, 0.25, 0.5, 1."""
_GAP: Final = 0.14
"""Of a bar's step, the white between two bars."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in percent of the drawing, from its top left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class ScoreBar:
    """One bar of the histogram: `count` photos with low <= score < high."""

    box: Box
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis in percent, and the text there."""

    position: float
    label: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Photos by score.

    Attributes:
        bars: Left to right, without gaps; the highest is 100 high.
        step: Scores a bar is wide.
        score_ticks: Of the horizontal axis.
        count_ticks: Of the vertical axis, positions from the top.
        mean: Where the mean of all photos is, in percent from the left.
    """

    bars: tuple[ScoreBar, ...]
    step: float
    score_ticks: tuple[Tick, ...]
    count_ticks: tuple[Tick, ...]
    mean: float


def histogram(scores: Scores) -> Histogram:
    """Draws the part of the scale that was used, with at most 30 bars."""
    fine_step = (scores.high - scores.low) / FINE_BINS
    used = [i for i, count in enumerate(scores.counts) if count]
    join = next(
        (n for n in _JOINS if used[-1] // n - used[0] // n < _MOST_BARS - 2),
        _JOINS[-1],
    )
    # Empty bars on either side where the scale continues: nothing looks cut off, and a
    # single score is not a broad block.
    bars = used[-1] // join - used[0] // join + 1
    margin = max(1, (_FEWEST_BARS - bars) // 2)
    first = max(used[0] // join - margin, 0)
    last = min(used[-1] // join + margin, FINE_BINS // join - 1)
    sums = [
        int(scores.counts[i * join : (i + 1) * join].sum())
        for i in range(first, last + 1)
    ]
    step = join * fine_step
    left = scores.low + first * step
    right = left + len(sums) * step
    count_steps = _round_steps(max(sums), most=4, whole=True)
    top = max(max(sums), count_steps[-1])
    return Histogram(
        bars=_score_bars(sums, top=top, left=left, step=step),
        step=step,
        score_ticks=tuple(
            Tick(100 * (value - left) / (right - left), f"{value:g}")
            for value in _ticks_between(left, right)
        ),
        count_ticks=tuple(
            Tick(100 - 100 * value / top, f"{value:,.0f}") for value in count_steps
        ),
        mean=100 * (scores.mean - left) / (right - left),
    )


def _score_bars(
    counts: Sequence[int], *, top: float, left: float, step: float
) -> tuple[ScoreBar, ...]:
    boxes = _columns([count / top for count in counts])
    return tuple(
        ScoreBar(box, low=left + i * step, high=left + (i + 1) * step, count=count)
        for i, (box, count) in enumerate(zip(boxes, counts, strict=True))
    )


def rating_boxes(shares: Sequence[float]) -> tuple[Box, ...]:
    """Draws one photo's ratings: a column for each share, the highest 100 high."""
    top = max(shares, default=0.0) or 1.0
    return _columns([share / top for share in shares])


def position_among(score: float | None, bins: Sequence[float]) -> float | None:
    """Returns where a score lies among the bins' columns, in percent from the left."""
    if score is None:
        return None
    middles = [100 * (i + 0.5) / len(bins) for i in range(len(bins))]
    return float(np.interp(score, bins, middles))


def strip(shares: Sequence[float]) -> tuple[Box, ...]:
    """Draws shares that add up to at most 1 side by side over the whole width."""
    starts = itertools.accumulate(shares, initial=0.0)
    return tuple(
        Box(x=100 * start, y=0, width=100 * share, height=100)
        for start, share in zip(starts, shares, strict=False)
    )


def _columns(heights: Sequence[float]) -> tuple[Box, ...]:
    """Returns columns side by side, each as high as its share of the drawing."""
    width = 100 / max(len(heights), 1)
    return tuple(
        Box(
            x=(i + _GAP / 2) * width,
            y=100 - 100 * height,
            width=(1 - _GAP) * width,
            height=100 * height,
        )
        for i, height in enumerate(heights)
    )


def _ticks_between(left: float, right: float) -> list[float]:
    steps = _round_steps(right - left, most=10, whole=False)
    step = steps[1] - steps[0]
    first = math.ceil(left / step - 1e-9)
    last = math.floor(right / step + 1e-9)
    return [round(i * step, 9) for i in range(first, last + 1)]


def _round_steps(length: float, *, most: int, whole: bool) -> list[float]:
    """Returns 0, s, 2s, ... up to about `length`, s being 1, 2 or 5 times 10^k."""
    exponent = math.floor(math.log10(length / most))
    candidates = (m * 10.0**e for e in (exponent, exponent + 1) for m in (1, 2, 5))
    step = next(s for s in candidates if length / s <= most and not (whole and s < 1))
    return [i * step for i in range(max(1, math.floor(length / step + 1e-9)) + 1)]
