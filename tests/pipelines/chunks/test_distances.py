"""Distances of two samples, against SciPy and by what chance does to them."""

import numpy as np
import pytest
from scipy import stats

from pipelines.chunks import distances


def _counts(values: np.ndarray, bins: int = 180) -> np.ndarray:
    return np.bincount(np.clip(values * 20, 0, bins - 1).astype(int), minlength=bins)


def test_the_largest_gap_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(5, 0.7, 900), rng.normal(5.4, 0.7, 400)
    got, _ = distances.largest_gap(_counts(first), _counts(second))
    floors = [np.floor(values * 20) for values in (first, second)]
    assert got == pytest.approx(stats.ks_2samp(*floors).statistic, abs=1e-9)


def test_the_stability_index_of_groups_that_are_known() -> None:
    expected, got = np.array([100_000, 100_000]), np.array([80_000, 120_000])
    index, noise = distances.stability_index(expected, got)
    by_definition = 0.1 * np.log(0.6 / 0.5) + (0.4 - 0.5) * np.log(0.4 / 0.5)
    assert index == pytest.approx(by_definition, rel=1e-3)
    assert 0 < noise < 0.002
    same, _ = distances.stability_index(expected, expected)
    assert same == pytest.approx(0, abs=1e-12)


def test_the_moved_share_and_the_change_of_a_rate() -> None:
    share, _ = distances.moved_share(np.array([50, 50, 0]), np.array([50, 0, 50]))
    assert share == pytest.approx(0.5)
    change, _ = distances.rate_change((30, 100), (180, 200))
    assert change == pytest.approx(0.6)


@pytest.mark.parametrize("photos", [60, 1000])
def test_chance_stays_within_its_allowance(photos: int) -> None:
    """Of two samples alike, in series of `SERIES` that are all the very photo."""
    rng, beyond = np.random.default_rng(photos), np.zeros(4, int)
    for _ in range(400):
        pair = [
            np.repeat(rng.normal(5, 0.7, n // distances.SERIES), distances.SERIES)
            for n in (photos, 3 * photos)
        ]
        counts = [_counts(values) for values in pair]
        classes = [np.bincount((v * 9).astype(int) % 20, minlength=20) for v in pair]
        hits = [(int((v > 5.3).sum()), v.size) for v in pair]
        found = (
            distances.stability_index(*counts),
            distances.largest_gap(*counts),
            distances.moved_share(*classes),
            distances.rate_change(*hits),
        )
        beyond += [got > noise for got, noise in found]
    assert (beyond <= 3).all(), beyond


def test_what_a_reference_never_had_is_a_group_of_its_own() -> None:
    reference = np.array([0, 500, 0])
    inside, _ = distances.stability_index(reference, np.array([91, 409, 0]))
    assert inside == pytest.approx(0, abs=1e-12)
    above, _ = distances.stability_index(reference, np.array([0, 409, 91]))
    assert above > 0.5
