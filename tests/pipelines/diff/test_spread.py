"""Quantiles of fine counts, against those of all values."""

import numpy as np
import pytest

from pipelines.diff.spread import QUANTILES, SpreadSums


def test_quantiles_are_right_to_a_bin() -> None:
    values = np.random.default_rng(3).normal(5, 1.2, 30_000).clip(1, 10)
    sums = SpreadSums(1, 10)
    for part in np.array_split(values, 7):
        sums.add(part)
    found = sums.result()
    assert found.count == 30_000
    assert found.mean == pytest.approx(values.mean(), abs=1e-6)
    assert (found.lowest, found.highest) == pytest.approx((values.min(), values.max()))
    right = np.quantile(values, QUANTILES)
    assert list(found.quantiles.values()) == pytest.approx(right, abs=1e-3)


def test_no_value_is_no_number() -> None:
    sums = SpreadSums(1, 10)
    sums.add(np.array([np.nan, np.inf]))
    found = sums.result()
    assert (found.count, found.mean, found.quantiles) == (0, None, {})


def test_one_value_is_all_of_its_quantiles() -> None:
    sums = SpreadSums(-9, 9)
    sums.add(np.array([0.25]))
    assert set(sums.result().quantiles.values()) == {0.25}
