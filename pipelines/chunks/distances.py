"""How far apart two samples are, counted in classes, and how far chance takes them.

A sample is an array of counts over the same classes. Photos come in series that look
alike, so a sample of photos tells less than as many independent draws would: `room`
counts every `SERIES` photos as a single one.
"""

import math
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

SERIES: Final = 4
"""Photos that count as a single draw."""

_CHANCE: Final = 1e-4
"""How often chance alone may go beyond what it is given."""

_GROUPS: Final = 10
_SMOOTHING: Final = 0.5


def room(first: int, second: int) -> float:
    """Returns 1/n + 1/m for the independent draws in two samples of n and m photos."""
    return SERIES * (1 / first + 1 / second)


def stability_index(expected: Counts, got: Counts) -> tuple[float, float]:
    """Returns the population stability index, and what chance alone adds to it.

    Args:
        expected: Counts of a reference, ordered; cut into about ten equal groups.
        got: Counts of the sample.
    """
    groups = _groups(expected)
    count = int(groups[-1]) + 1
    p, q = (_shares(np.bincount(groups, each, count)) for each in (expected, got))
    index = float(np.sum((q - p) * np.log(q / p)))
    noise = _chi_square(count - 1) * room(int(expected.sum()), int(got.sum()))
    return index, noise


def largest_gap(expected: Counts, got: Counts) -> tuple[float, float]:
    """Returns the Kolmogorov-Smirnov statistic, and what chance alone adds to it.

    Args:
        expected: Counts of a reference, ordered.
        got: Counts of the sample.
    """
    p, q = (np.cumsum(each) / each.sum() for each in (expected, got))
    noise = math.sqrt(math.log(2 / _CHANCE) / 2 * room(_sum(expected), _sum(got)))
    return float(np.abs(p - q).max()), noise


def moved_share(expected: Counts, got: Counts) -> tuple[float, float]:
    """Returns the share that changed its class, and what chance alone adds to it.

    That share is the total variation distance of two samples of unordered classes.
    """
    p, q = expected / expected.sum(), got / got.sum()
    chance = room(_sum(expected), _sum(got))
    mean = (expected + got) / (expected.sum() + got.sum())
    usual = float(np.sum(np.sqrt(mean * (1 - mean) * chance / (2 * math.pi))))
    noise = usual + math.sqrt(math.log(1 / _CHANCE) / 2 * chance)
    return float(np.abs(p - q).sum() / 2), noise


def rate_change(expected: tuple[int, int], got: tuple[int, int]) -> tuple[float, float]:
    """Returns how far two rates are apart, and what chance alone adds to it.

    Args:
        expected: Hits and photos of a reference.
        got: Hits and photos of the sample.
    """
    p, q = expected[0] / expected[1], got[0] / got[1]
    mean = (expected[0] + got[0]) / (expected[1] + got[1])
    z = NormalDist().inv_cdf(1 - _CHANCE / 2)
    chance = mean * (1 - mean) * room(expected[1], got[1])
    return abs(p - q), z * math.sqrt(chance)


def _sum(counts: Counts) -> int:
    return int(counts.sum())


def _groups(expected: Counts) -> NDArray[np.intp]:
    """Returns the group of each class: as equal as whole classes allow."""
    below = (np.cumsum(expected) - expected) / expected.sum()
    found = np.floor(below * _GROUPS).astype(np.intp).clip(0, _GROUPS - 1)
    return np.unique(found, return_inverse=True)[1]


def _shares(counts: NDArray[Any]) -> NDArray[np.float64]:
    smooth = counts + _SMOOTHING
    return smooth / smooth.sum()


def _chi_square(freedom: int) -> float:
    """Returns the quantile by Wilson and Hilferty, within 8%, above it."""
    if freedom < 1:
        return 0.0
    part = 2 / (9 * freedom)
    z = NormalDist().inv_cdf(1 - _CHANCE)
    return float(freedom * (1 - part + z * math.sqrt(part)) ** 3)
