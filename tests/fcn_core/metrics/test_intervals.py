"""Intervals of correlations: against a plain bootstrap, and what they depend on."""

import math
import tracemalloc

import numpy as np
import pytest

from fcn_core.metrics.intervals import bootstrap


def drawn_pairs(
    count: int, *, noise: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Returns pairs with ties, as rounded scores have them."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=count)
    return (truth + noise * rng.normal(size=count)).round(1), truth.round(1)


def test_intervals_equal_a_plain_bootstrap_of_the_same_draws() -> None:
    stats = pytest.importorskip("scipy.stats")
    first, second = drawn_pairs(40)
    found = bootstrap(first, second, seed=3, resamples=200)
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    rng = np.random.default_rng(3)
    srcc, lcc = [], []
    for _ in range(200):
        drawn = rng.integers(40, size=40)
        srcc.append(stats.spearmanr(first[drawn], second[drawn])[0])
        lcc.append(stats.pearsonr(first[drawn], second[drawn])[0])
    assert found.srcc == pytest.approx(np.quantile(srcc, [0.025, 0.975]), abs=1e-6)
    assert found.lcc == pytest.approx(np.quantile(lcc, [0.025, 0.975]), abs=1e-6)


def test_intervals_depend_on_pairs_and_seed_not_on_their_order() -> None:
    first, second = drawn_pairs(60)
    found = bootstrap(first, second, seed=0, resamples=100)
    order = np.random.default_rng(1).permutation(60)
    assert bootstrap(first[order], second[order], seed=0, resamples=100) == found
    assert bootstrap(first, second, seed=1, resamples=100) != found


def test_intervals_cover_the_true_correlation_and_narrow_with_photos() -> None:
    true = 1 / math.sqrt(2)  # of a truth and itself with as much noise again
    covered = []
    for seed in range(40):
        low, high = bootstrap(*drawn_pairs(100, seed=seed), seed=0, resamples=200).lcc
        covered.append(low <= true <= high)
    assert np.mean(covered) >= 0.85
    wide = bootstrap(*drawn_pairs(100), seed=0, resamples=200).srcc
    narrow = bootstrap(*drawn_pairs(1600), seed=0, resamples=200).srcc
    assert 3 < (wide[1] - wide[0]) / (narrow[1] - narrow[0]) < 5.3  # about sqrt(16)


@pytest.mark.parametrize(
    "pairs", [([], []), ([1.0], [2.0]), ([1.1] * 9, list(range(9)))]
)
def test_what_cannot_correlate_has_no_interval(pairs: tuple[list, list]) -> None:
    found = bootstrap(*pairs, seed=0, resamples=20)
    assert all(math.isnan(end) for end in (*found.srcc, *found.lcc))


def test_memory_is_that_of_some_pairs_whatever_the_resamples() -> None:
    pairs = drawn_pairs(20_000)
    size = sum(values.nbytes for values in pairs)
    tracemalloc.start()
    bootstrap(*pairs, seed=0, resamples=30)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * size
