"""The drawings: every photo is in one bar, and everything lies inside the drawing."""

import itertools

import numpy as np
import pytest

from pipelines.pages import figures
from pipelines.pages.figures import FINE_BINS, Scores


def make_scores(counts: dict[int, int], *, low: float = 1, high: float = 10) -> Scores:
    """Photos by fine bin; the mean is put into the middle of the scale."""
    array = np.zeros(FINE_BINS, np.int64)
    array[list(counts)] = list(counts.values())
    used = np.flatnonzero(array)
    step = (high - low) / FINE_BINS
    return Scores(
        low=low,
        high=high,
        counts=array,
        lowest=low + used[0] * step,
        mean=float(low + (np.average(used, weights=array[used]) + 0.5) * step),
        highest=low + (used[-1] + 1) * step,
    )


@pytest.mark.parametrize(
    "counts",
    [
        {84: 1},
        {0: 3},
        {FINE_BINS - 1: 1_000_000},
        {0: 1, FINE_BINS - 1: 1},
        {80: 4, 81: 9, 99: 1},
        dict.fromkeys(range(FINE_BINS), 7),
        dict.fromkeys(range(40, 100), 1),
    ],
)
@pytest.mark.parametrize("scale", [(1, 10), (0, 1), (-5, 100)])
def test_every_photo_is_in_one_bar(
    counts: dict[int, int], scale: tuple[float, float]
) -> None:
    scores = make_scores(counts, low=scale[0], high=scale[1])
    drawn = figures.histogram(scores)
    bars = drawn.bars
    assert sum(bar.count for bar in bars) == sum(counts.values())
    assert 6 <= len(bars) <= 30
    for left, right in itertools.pairwise(bars):
        assert left.high == pytest.approx(right.low)
        assert left.box.x + left.box.width < right.box.x
    assert bars[0].low >= scores.low - 1e-9
    assert bars[-1].high <= scores.high + 1e-9
    assert bars[0].low <= scores.lowest + 1e-9
    assert bars[-1].high >= scores.highest - 1e-9
    for bar in bars:
        assert 0 <= bar.box.x < 100
        assert bar.box.y + bar.box.height == pytest.approx(100)
        assert (bar.box.height > 0) == (bar.count > 0)
    assert max(bar.box.height for bar in bars) <= 100 + 1e-9
    assert 0 <= drawn.mean <= 100


def test_ticks_are_round_and_where_they_say() -> None:
    scores = make_scores(dict.fromkeys(range(40, 100), 10))
    drawn = figures.histogram(scores)
    left, right = drawn.bars[0].low, drawn.bars[-1].high
    assert 3 <= len(drawn.score_ticks) <= 11
    for tick in drawn.score_ticks:
        value = left + tick.position / 100 * (right - left)
        assert float(tick.label) == pytest.approx(value)
    assert drawn.count_ticks[0] == figures.Tick(100, "0")
    assert all(0 <= tick.position <= 100 for tick in drawn.count_ticks)


def test_rating_boxes_are_as_high_as_their_shares() -> None:
    boxes = figures.rating_boxes([0.1, 0.4, 0.2])
    assert [box.height for box in boxes] == pytest.approx([25, 100, 50])
    assert [box.y for box in boxes] == pytest.approx([75, 0, 50])
    assert figures.rating_boxes([]) == ()
    assert figures.rating_boxes([0.0, 0.0])[0].height == 0


def test_score_is_placed_among_the_columns() -> None:
    bins = [1.0, 2.0, 3.0, 4.0]
    assert figures.position_among(2.0, bins) == pytest.approx(37.5)
    assert figures.position_among(2.5, bins) == pytest.approx(50)
    assert figures.position_among(None, bins) is None


def test_strip_is_side_by_side() -> None:
    boxes = figures.strip([0.5, 0.25, 0.25])
    assert [(box.x, box.width) for box in boxes] == [(0, 50), (50, 25), (75, 25)]
    assert figures.strip([]) == ()
