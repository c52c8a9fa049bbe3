"""Counts by value that add up in any order, and the figures made of them.

Numbers with digits are counted as multiples of a fixed step, so neither the order of
the parts nor the number of workers can change a figure.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, Self, TypedDict, cast

import numpy as np
import pydantic
from numpy.typing import NDArray

_QUANTILES: Final = (0.01, 0.1, 0.5, 0.9, 0.99)


Figures = dict[str, Any]
"""JSON, for whose nested figures of many types classes would be long."""


class Spread(TypedDict):
    """How values are spread; None where there are none."""

    lowest: float | None
    highest: float | None
    mean: float | None
    quantiles: dict[str, float]


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


def _plus(first: Any, other: Any) -> Any:
    if isinstance(first, dict):
        # Not a Counter's sum, which forgets what was counted as none.
        return {
            key: first.get(key, 0) + other.get(key, 0) for key in {**first, **other}
        }
    return first + other


def tally(values: NDArray[np.integer]) -> Tally:
    """Returns how often each value occurs."""
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def by_value(counts: Mapping[Any, int]) -> dict[str, int]:
    """Returns counts for JSON, in the order of their values."""
    return {str(value): count for value, count in sorted(counts.items())}


def share_of(part: int, whole: int) -> float | None:
    """Returns `part / whole`, None where the whole is empty."""
    return part / whole if whole else None


def spread(counts: Tally, steps: int = 1) -> Spread:
    """Returns lowest, highest, mean and quantiles.

    Args:
        counts: How often each value occurs.
        steps: A value of 1 is counted as this many.
    """
    total = sum(counts.values())
    if not total:
        return {"lowest": None, "highest": None, "mean": None, "quantiles": {}}
    values = np.array(sorted(counts))
    reached = np.cumsum([counts[value] for value in values.tolist()])
    at = [int(np.searchsorted(reached, share * total)) for share in _QUANTILES]
    return {
        "lowest": float(values[0] / steps),
        "highest": float(values[-1] / steps),
        "mean": float(Fraction(sum(v * n for v, n in counts.items()), total * steps)),
        "quantiles": {
            f"{quantile:g}": float(values[min(i, len(values) - 1)] / steps)
            for quantile, i in zip(_QUANTILES, at, strict=True)
        },
    }
