"""How sure correlations are: intervals from resampled photos (Efron's bootstrap).

Each resample draws as many photos as there are, with replacement, and correlates those.
Photos are sorted first, so the intervals depend on the seed and the pairs alone, not on
their order. Apart from a number for each resample, memory is a few times that of the
pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES: Final = 1000
CONFIDENCE: Final = 0.95

_DIGITS: Final = 6
"""Sums of other processors differ in the 15th digit: rounded, intervals are equal."""

Interval = tuple[float, float]
"""Lower and upper end; NaN where no resample has a correlation."""


@dataclass(frozen=True)
class Correlations:
    """Intervals of the two correlations of one list of pairs.

    Attributes:
        srcc: Of the rank correlation.
        lcc: Of the linear correlation.
    """

    srcc: Interval
    lcc: Interval


def bootstrap(
    first: ArrayLike, second: ArrayLike, *, seed: int, resamples: int = RESAMPLES
) -> Correlations:
    """Returns the central `CONFIDENCE` of resampled correlations (percentiles).

    Args:
        first: A number a photo.
        second: Another one, of the same photos in the same order.
        seed: Of the resamples.
        resamples: How many; they take time, not memory.
    """
    pairs = np.stack([np.asarray(first, np.float64), np.asarray(second, np.float64)])
    pairs = pairs[:, np.lexsort(pairs[::-1])]
    count = pairs.shape[1]
    if count < 2:
        nothing = (float("nan"), float("nan"))
        return Correlations(nothing, nothing)
    # Ranks of a resample follow from how often each value was drawn: nothing is sorted.
    groups = [np.unique(values, return_inverse=True)[1] for values in pairs]
    rng = np.random.default_rng(seed)
    drawn = np.empty((2, resamples))
    for number in range(resamples):
        draws = rng.integers(count, size=count)
        times = np.bincount(draws, minlength=count).astype(np.float64)
        ranks = [_ranks(group, times) for group in groups]
        drawn[:, number] = _pearson(ranks, times), _pearson(pairs, times)
    return Correlations(central(drawn[0]), central(drawn[1]))


def _ranks(group: NDArray[np.intp], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the average rank of each photo's value in a resample."""
    sizes = np.bincount(group, weights=times)
    return (np.cumsum(sizes) - (sizes - 1) / 2)[group]


def _pearson(
    pairs: Sequence[NDArray[np.float64]] | NDArray[np.float64],
    times: NDArray[np.float64],
) -> float:
    """Returns the linear correlation of pairs that count so many times."""
    a, b = (values - (times * values).sum() / times.sum() for values in pairs)
    both, left, right = ((times * p).sum() for p in (a * b, a * a, b * b))
    # A constant differs from its mean by the rounding of that, not by exactly nothing.
    nothing = times.sum() * 1e-24 * np.array([np.abs(v).max() ** 2 for v in pairs])
    if left <= nothing[0] or right <= nothing[1]:
        return float("nan")
    return float(both / np.sqrt(left * right))


def central(values: NDArray[np.float64]) -> Interval:
    """Returns the ends of the central `CONFIDENCE` of what was drawn, without NaN."""
    known = values[~np.isnan(values)]
    if not len(known):
        return (float("nan"), float("nan"))
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [outside, 1 - outside])
    return round(float(low), _DIGITS), round(float(high), _DIGITS)
