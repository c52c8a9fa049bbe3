"""Votes for ratings 1, 2, ... as exact numbers: means, labels, and their order.

Labels are decided in integers. A float32 mean of normalised votes puts some photos on
the wrong side of 5, and a mean that was rounded for a table puts more.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np

MIDDLE: Final = 5
"""A photo is of high quality if its mean is above, of low quality if it is not."""


def total(votes: Sequence[int]) -> int:
    """Returns the sum of all ratings given."""
    return sum(rating * count for rating, count in enumerate(votes, start=1))


def exact_mean(votes: Sequence[int]) -> Fraction:
    """Returns the mean rating; there must be a vote."""
    return Fraction(total(votes), sum(votes))


def label(votes: Sequence[int]) -> int:
    """Returns 1 if the mean is above the middle, else 0: a mean of exactly 5 is low."""
    return int(total(votes) > MIDDLE * sum(votes))


def is_clear(votes: Sequence[int], *, delta: Fraction) -> bool:
    """Returns whether the mean is at least `delta` away from the middle."""
    count = sum(votes)
    return abs(total(votes) - MIDDLE * count) >= delta * count


def moments(votes: Sequence[int]) -> tuple[float, float]:
    """Returns mean and standard deviation of the population, as float32 holds them."""
    count = sum(votes)
    mean = total(votes) / count
    squares = sum(
        number * (rating - mean) ** 2 for rating, number in enumerate(votes, start=1)
    )
    return as_float32(mean), as_float32(math.sqrt(squares / count))


def as_float32(value: float) -> float:
    """Returns the nearest number that a record can hold."""
    return float(np.float32(value))
