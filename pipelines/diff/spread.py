"""How values are spread: quantiles from fine counts, in memory that does not grow."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.chunks.frozen import Frozen

QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_BINS: Final = 20_000


class Spread(Frozen):
    """Values in a few numbers; None where there is no value.

    Attributes:
        count: How many they are.
        mean: Their mean.
        lowest: The smallest.
        highest: The largest.
        quantiles: Share (as text) -> value, right to 1/20,000 of the scale.
    """

    count: int
    mean: float | None
    lowest: float | None
    highest: float | None
    quantiles: dict[str, float]


class SpreadSums:
    """Takes values between two limits.

    Args:
        low: The lowest possible value.
        high: The highest.
    """

    def __init__(self, low: float, high: float):
        self._low, self._width = low, (high - low) / _BINS
        self._counts = np.zeros(_BINS, np.int64)
        self._sum, self._lowest, self._highest = 0.0, np.inf, -np.inf

    def add(self, values: NDArray[np.float64]) -> None:
        """Adds values; those that are not numbers are left out."""
        values = values[np.isfinite(values)]
        if not values.size:
            return
        bins = np.floor((values - self._low) / self._width)
        bins = np.clip(bins, 0, _BINS - 1).astype(np.int64)
        self._counts += np.bincount(bins, minlength=_BINS)
        self._sum += float(values.sum())
        self._lowest = min(self._lowest, float(values.min()))
        self._highest = max(self._highest, float(values.max()))

    def result(self, shares: Sequence[float] = QUANTILES) -> Spread:
        """Returns what was added."""
        count = int(self._counts.sum())
        if count == 0:
            return Spread(count=0, mean=None, lowest=None, highest=None, quantiles={})
        ranks = [round(share * (count - 1)) + 1 for share in shares]
        bins = np.searchsorted(np.cumsum(self._counts), ranks)
        values = self._low + (bins + 0.5) * self._width
        values = np.clip(values, self._lowest, self._highest)
        return Spread(
            count=count,
            mean=round(self._sum / count, 6),
            lowest=round(self._lowest, 6),
            highest=round(self._highest, 6),
            quantiles={
                f"{share:g}": round(float(value), 4)
                for share, value in zip(shares, values, strict=True)
            },
        )
