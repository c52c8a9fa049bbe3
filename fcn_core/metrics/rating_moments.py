"""A data set's ratings as exact sums: added up in any order, the same for all."""

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, Self

from pydantic import Field

from fcn_core.metrics.tallies import Figures, Sums, Tally, by_value, share_of, spread

STEPS_PER_UNIT: Final = 100
"""Ratings are counted by the hundredth."""

_FIXED_POINT: Final = 1 << 23
"""A float32 of 1 or more is a whole number of these parts."""


class RatingMoments(Sums):
    """Moments of ratings: of each photo's mean, and of its spread.

    Attributes:
        images: Photos rated.
        means: A photo's mean rating, in hundredths, rounded.
        stds: A photo's standard deviation, in hundredths, rounded, where it is known.
        mean_sum: Of the means, in parts of 2**-23.
        mean_square_sum: Of their squares, in parts of 2**-46.
        std_sum: Of the standard deviations, in parts of 2**-23.
        votes: Rating -> votes for it.
        vote_counts: Votes a photo has, where they are known.
        labels: 1 high, 0 low, -1 not in the protocol.
    """

    images: int = 0
    means: Tally = Field({})
    stds: Tally = Field({})
    mean_sum: int = 0
    mean_square_sum: int = 0
    std_sum: int = 0
    votes: Tally = Field({})
    vote_counts: Tally = Field({})
    labels: Tally = Field({})

    @classmethod
    def of(
        cls,
        *,
        means: Sequence[float],
        stds: Sequence[float],
        votes: Sequence[Sequence[int]],
        labels: Sequence[int],
    ) -> Self:
        """Counts photos; every argument has one value a photo.

        Args:
            means: Mean ratings.
            stds: Their standard deviations, NaN where one is not known.
            votes: For ratings 1, 2, ...; empty where only the mean is known.
            labels: 1 high, 0 low, -1 not in the protocol.
        """
        known = [std for std in stds if not math.isnan(std)]
        exact = [_fixed(mean) for mean in means]
        by_rating: Counter[int] = Counter()
        for counts in votes:
            by_rating.update(dict(enumerate(counts, start=1)))
        return cls(
            images=len(means),
            means=dict(Counter(round(STEPS_PER_UNIT * mean) for mean in means)),
            stds=dict(Counter(round(STEPS_PER_UNIT * std) for std in known)),
            mean_sum=sum(exact),
            mean_square_sum=sum(mean * mean for mean in exact),
            std_sum=sum(map(_fixed, known)),
            votes=dict(+by_rating),
            vote_counts=dict(Counter(sum(counts) for counts in votes if counts)),
            labels=dict(Counter(labels)),
        )

    def result(self) -> Figures:
        """Returns the figures for `fcn stats --json`."""
        return {
            "images": self.images,
            "mean": {**spread(self.means, STEPS_PER_UNIT), **self._exact()},
            "std": {
                **spread(self.stds, STEPS_PER_UNIT),
                "mean": share_of(self.std_sum, sum(self.stds.values()) * _FIXED_POINT),
            },
            "means": _by_rating(self.means),
            "stds": _by_rating(self.stds),
            "votes": by_value(self.votes),
            "votes_of_an_image": spread(self.vote_counts),
            "labels": by_value(self.labels),
        }

    def _exact(self) -> dict[str, float | None]:
        if not self.images:
            return {"mean": None, "std": None}
        mean = Fraction(self.mean_sum, self.images * _FIXED_POINT)
        squares = Fraction(self.mean_square_sum, self.images * _FIXED_POINT**2)
        return {"mean": float(mean), "std": math.sqrt(squares - mean * mean)}


def _fixed(value: float) -> int:
    return round(value * _FIXED_POINT)


def _by_rating(counts: Tally) -> dict[str, int]:
    return {f"{v / STEPS_PER_UNIT:.2f}": n for v, n in sorted(counts.items())}
