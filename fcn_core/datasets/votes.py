"""Votes for ratings 1, 2, ... as exact numbers: means, labels, and their order.

Labels are decided in integers. A float32 mean of normalised votes puts some photos on
the wrong side of 5, and a mean that was rounded for a table puts more.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np

from fcn_core.datasets.photo import Photo
from fcn_core.records.record import AestheticsRecord

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
    """Tells whether the mean is at least `delta` away from the middle."""
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


def aesthetics_record(
    photo: Photo,
    *,
    source_id: str,
    filename: str,
    votes: Sequence[int] = (),
    mean: float | None = None,
    std: float | None = None,
    label: int = -1,
    tags: Sequence[int] = (),
    challenge: int = 0,
    styles: Sequence[int] = (),
) -> AestheticsRecord:
    """Returns the record of a checked photo and its checked ratings.

    Args:
        photo: as `check_photo` returned it.
        source_id: the photo's id.
        filename: the photo's name.
        votes: for ratings 1, 2, ...; mean and std follow from them where there are any.
        mean: of the ratings, where there are no votes.
        std: of the ratings, where there are no votes and it is known.
        label: 1 high, 0 low, -1 not in the protocol.
        tags: AVA's.
        challenge: AVA's.
        styles: AVA's.
    """
    if votes:
        mean, std = moments(votes)
    if mean is None:
        raise ValueError(f"{source_id}: got neither votes nor a mean, expected one")
    return AestheticsRecord(
        encoded=photo.data,
        format=photo.format,
        filename=filename,
        source_id=source_id,
        sha256=photo.sha256,
        height=photo.height,
        width=photo.width,
        channels=photo.channels,
        orientation=photo.orientation,
        votes=tuple(votes),
        vote_count=sum(votes),
        mean=as_float32(mean),
        std=as_float32(math.nan if std is None else std),
        label=label,
        tags=tuple(tags),
        challenge=challenge,
        styles=tuple(styles),
    )
