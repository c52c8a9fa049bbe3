"""What a data set holds, as exact sums: added up in any order, the same for all.

Each class here is a monoid (its empty value, `+`, `result`). Everything is counted in
integers, numbers with digits as multiples of a fixed step, so neither the order of
shards nor the number of workers can change a figure. What is counted by value has a
bounded number of values (class ids, sides up to 65,535, ratings by the hundredth), so a
statistic of ten million photos weighs no more than one of a thousand.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, Self, cast

import numpy as np
import pydantic
from numpy.typing import NDArray

from fcn_core.labels import VOID

STEPS_PER_UNIT: Final = 100
"""Ratings are counted by the hundredth."""
SHARE_STEPS: Final = 1000
"""Shares of void are counted by the thousandth."""

_FIXED_POINT: Final = 1 << 23
"""A float32 of 1 or more is a whole number of these parts."""
_QUANTILES: Final = (0.01, 0.1, 0.5, 0.9, 0.99)

Tally = dict[int, int]
"""value -> how often."""


class Sums(pydantic.BaseModel):
    """Fields that are added one by one: numbers, and counts by value."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    def __add__(self, other: Self) -> Self:
        # Not validated again: what is added up was.
        names = type(self).model_fields
        sums = {
            name: _plus(getattr(self, name), getattr(other, name)) for name in names
        }
        return cast(Self, self.model_construct(**sums))


def _plus(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        # Not a Counter's sum, which forgets what was counted as none.
        return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}
    return one + other


class PhotoSums(Sums):
    """Sizes and forms of the photos.

    Attributes:
        records: photos.
        widths: pixels, as stored.
        heights: pixels, as stored.
        longer_sides: the larger of both.
        shapes: landscape, portrait or square, as stored.
        formats: jpeg or png.
        channels: components in the file.
        orientations: EXIF's, 1 to 8.
    """

    records: int = 0
    widths: Tally = {}
    heights: Tally = {}
    longer_sides: Tally = {}
    shapes: dict[str, int] = {}
    formats: dict[str, int] = {}
    channels: Tally = {}
    orientations: Tally = {}

    @classmethod
    def of(
        cls,
        *,
        widths: NDArray[np.integer],
        heights: NDArray[np.integer],
        formats: Sequence[str],
        channels: NDArray[np.integer],
        orientations: NDArray[np.integer],
    ) -> Self:
        """Counts photos; every argument has one value a photo."""
        turns = np.sign(widths.astype(np.int64) - heights)
        shapes = Counter(("square", "landscape", "portrait")[turn] for turn in turns)
        return cls(
            records=len(widths),
            widths=_tally(widths),
            heights=_tally(heights),
            longer_sides=_tally(np.maximum(widths, heights)),
            shapes=dict(shapes),
            formats=dict(Counter(formats)),
            channels=_tally(channels),
            orientations=_tally(orientations),
        )

    def result(self) -> dict[str, Any]:
        """Returns the figures for `fcn stats --json`."""
        return {
            "width": _range(self.widths),
            "height": _range(self.heights),
            "longer_side": _range(self.longer_sides),
            "longer_sides": _sorted(self.longer_sides),
            "shapes": _sorted(self.shapes),
            "formats": _sorted(self.formats),
            "channels": _sorted(self.channels),
            "orientations": _sorted(self.orientations),
        }


class LabelSums(Sums):
    """Pixels of the labels.

    Attributes:
        images: labels counted.
        pixels: of each class id, void among them.
        images_of: labels that have the class id.
        pixels_beside: class id -> all pixels but void of the labels that have it.
        void_shares: a label's void, in thousandths of its pixels, rounded.
        sources: whose labels they are.
        void_of: source -> void pixels.
        pixels_of: source -> all pixels.
    """

    images: int = 0
    pixels: Tally = {}
    images_of: Tally = {}
    pixels_beside: Tally = {}
    void_shares: Tally = {}
    sources: dict[str, int] = {}
    void_of: dict[str, int] = {}
    pixels_of: dict[str, int] = {}

    @classmethod
    def of(cls, counts: NDArray[np.integer], *, source: str, void: int = VOID) -> Self:
        """Counts one label.

        Args:
            counts: pixels of each class id, `[256]`.
            source: whose label it is.
            void: the id that is no class.
        """
        total, empty = int(counts.sum()), int(counts[void])
        present = {int(i): int(counts[i]) for i in np.flatnonzero(counts)}
        return cls(
            images=1,
            pixels=present,
            images_of=dict.fromkeys(present, 1),
            pixels_beside={i: total - empty for i in present if i != void},
            void_shares={round(SHARE_STEPS * empty / total): 1},
            sources={source: 1},
            void_of={source: empty},
            pixels_of={source: total},
        )

    def result(self, classes: Sequence[str], *, void: int = VOID) -> dict[str, Any]:
        """Returns the figures for `fcn stats --json`; shares leave void out."""
        total = sum(self.pixels.values())
        known = total - self.pixels.get(void, 0)
        return {
            "images": self.images,
            "pixels": total,
            "classes": [
                {
                    "id": class_id,
                    "name": name,
                    "images": self.images_of.get(class_id, 0),
                    "pixels": self.pixels.get(class_id, 0),
                    "share": _share(self.pixels.get(class_id, 0), known),
                    "share_where_present": _share(
                        self.pixels.get(class_id, 0),
                        self.pixels_beside.get(class_id, 0),
                    ),
                }
                for class_id, name in enumerate(classes)
            ],
            "void": {
                "pixels": self.pixels.get(void, 0),
                "share": _share(self.pixels.get(void, 0), total),
                "images": self.images_of.get(void, 0),
                "share_of_an_image": _range(self.void_shares, SHARE_STEPS),
                "thousandths": _sorted(self.void_shares),
            },
            "sources": {
                name: {
                    "images": count,
                    "void_share": _share(self.void_of[name], self.pixels_of[name]),
                }
                for name, count in sorted(self.sources.items())
            },
        }


class RatingMoments(Sums):
    """Moments of ratings: of each photo's mean, and of its spread.

    Attributes:
        images: photos rated.
        means: a photo's mean rating, in hundredths, rounded.
        stds: a photo's standard deviation, in hundredths, rounded, where it is known.
        mean_sum: of the means, in parts of 2**-23.
        mean_square_sum: of their squares, in parts of 2**-46.
        std_sum: of the standard deviations, in parts of 2**-23.
        votes: rating -> votes for it.
        vote_counts: votes a photo has, where they are known.
        labels: 1 high, 0 low, -1 not in the protocol.
    """

    images: int = 0
    means: Tally = {}
    stds: Tally = {}
    mean_sum: int = 0
    mean_square_sum: int = 0
    std_sum: int = 0
    votes: Tally = {}
    vote_counts: Tally = {}
    labels: Tally = {}

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
            means: mean ratings.
            stds: their standard deviations, NaN where one is not known.
            votes: for ratings 1, 2, ...; empty where only the mean is known.
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

    def result(self) -> dict[str, Any]:
        """Returns the figures for `fcn stats --json`."""
        return {
            "images": self.images,
            "mean": {**_range(self.means, STEPS_PER_UNIT), **self._exact()},
            "std": {
                **_range(self.stds, STEPS_PER_UNIT),
                "mean": _share(self.std_sum, sum(self.stds.values()) * _FIXED_POINT),
            },
            "means": _by_rating(self.means),
            "stds": _by_rating(self.stds),
            "votes": _sorted(self.votes),
            "votes_of_an_image": _range(self.vote_counts),
            "labels": _sorted(self.labels),
        }

    def _exact(self) -> dict[str, float | None]:
        if not self.images:
            return {"mean": None, "std": None}
        mean = Fraction(self.mean_sum, self.images * _FIXED_POINT)
        squares = Fraction(self.mean_square_sum, self.images * _FIXED_POINT**2)
        return {"mean": float(mean), "std": math.sqrt(squares - mean * mean)}


def _fixed(value: float) -> int:
    return round(value * _FIXED_POINT)


def _tally(values: NDArray[np.integer]) -> Tally:
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _sorted(counts: Mapping[Any, int]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(counts.items())}


def _by_rating(counts: Tally) -> dict[str, int]:
    return {f"{v / STEPS_PER_UNIT:.2f}": n for v, n in sorted(counts.items())}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _range(counts: Tally, steps: int = 1) -> dict[str, Any]:
    """Returns lowest, highest, mean and quantiles of values counted in steps."""
    total = sum(counts.values())
    if not total:
        return {"lowest": None, "highest": None, "mean": None, "quantiles": {}}
    values = np.array(sorted(counts))
    reached = np.cumsum([counts[value] for value in values.tolist()])
    at = [int(np.searchsorted(reached, one * total)) for one in _QUANTILES]
    return {
        "lowest": float(values[0] / steps),
        "highest": float(values[-1] / steps),
        "mean": float(Fraction(sum(v * n for v, n in counts.items()), total * steps)),
        "quantiles": {
            f"{quantile:g}": float(values[min(i, len(values) - 1)] / steps)
            for quantile, i in zip(_QUANTILES, at, strict=True)
        },
    }
