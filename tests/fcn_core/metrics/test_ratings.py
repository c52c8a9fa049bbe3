"""Scores of ratings against hand-made values and scipy; sums in any order."""

import math
from dataclasses import asdict

import numpy as np
import pytest

from fcn_core.metrics.ratings import RatingRows, earth_movers_distance, threshold

BINS = tuple(float(rating) for rating in range(1, 11))


def drawn_rows(count: int, bins: tuple[float, ...] = BINS) -> list[RatingRows]:
    rng = np.random.default_rng(0)
    return [
        RatingRows.of(
            bins,
            ratings=rng.dirichlet(np.ones(len(bins))),
            votes=tuple(rng.integers(0, 30, len(bins)).tolist()),
            mean=math.nan,
            std=math.nan,
        )
        for _ in range(count)
    ]


def test_emd_by_hand() -> None:
    first, second = [1, 0, 0, 0], [[0, 0, 1, 0]]
    # The cumulative sums differ by 1 in two of four places.
    assert earth_movers_distance(first, second, r=1).tolist() == [0.5]
    assert earth_movers_distance(first, second, r=2).tolist() == [math.sqrt(0.5)]
    with pytest.raises(ValueError, match="r is 3, expected 1 or 2"):
        earth_movers_distance(first, second, r=3)


def test_scores_by_hand() -> None:
    bins = (1.0, 2.0, 3.0)
    rows = [
        RatingRows.of(bins, ratings=ratings, votes=votes, mean=0, std=0)
        for ratings, votes in (
            ((0.0, 0.0, 1.0), (0, 0, 4)),
            ((0.0, 0.5, 0.5), (0, 2, 0)),  # a mean of exactly 2 is not above 2
            ((1.0, 0.0, 0.0), (1, 1, 0)),
        )
    ]
    scores = RatingRows.total(bins, rows).result()
    assert scores.accuracy_at == 2
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.majority_accuracy == pytest.approx(2 / 3)
    assert scores.emd_r1 == pytest.approx((0 + 0.5 / 3 + 0.5 / 3) / 3)
    # The constant is (1/6, 1/2, 1/3): cumulative 1/6, 2/3, 1.
    gaps = np.array([[1 / 6, 2 / 3, 0], [1 / 6, 1 / 3, 0], [1 / 3, 1 / 3, 0]])
    assert scores.constant_emd_r1 == pytest.approx(gaps.mean())
    assert scores.constant_emd_r2 == pytest.approx(
        np.sqrt((gaps**2).mean(axis=1)).mean()
    )
    confusion = RatingRows.total(bins, rows).confusion().counts
    # 1.5 and 2.5 lie between two bins: the lower one has them.
    assert confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_correlations_equal_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rows = RatingRows.total(BINS, drawn_rows(80))
    named, scores = rows.named, rows.result()
    for what in ("mean", "std"):
        pair = named[f"predicted_{what}"], named[f"target_{what}"]
        srcc, lcc = asdict(scores)[f"srcc_{what}"], asdict(scores)[f"lcc_{what}"]
        assert srcc == pytest.approx(stats.spearmanr(*pair)[0], abs=1e-12)
        assert lcc == pytest.approx(stats.pearsonr(*pair)[0], abs=1e-12)


def test_any_order_and_grouping_give_the_same_bits() -> None:
    rows = drawn_rows(50)
    whole = RatingRows.total(BINS, rows).result()
    order = np.random.default_rng(1).permutation(50)
    left = RatingRows.total(BINS, [rows[i] for i in order[:13]])
    right = RatingRows.zero(BINS)
    for index in order[13:]:
        right += rows[index]
    assert (right + left).result() == whole


def test_means_without_votes_have_correlations_and_no_emd() -> None:
    rows = [
        RatingRows.of(BINS, ratings=np.eye(10)[i], votes=(), mean=i + 1, std=math.nan)
        for i in (1, 6, 3)
    ]
    scores = RatingRows.total(BINS, rows).result()
    assert (scores.srcc_mean, scores.accuracy) == (1.0, 1.0)
    assert scores.with_votes == 0
    assert math.isnan(scores.emd_r2)
    assert math.isnan(scores.srcc_std)


def test_votes_of_another_scale_are_refused() -> None:
    with pytest.raises(ValueError, match="7 votes for 3 ratings, expected some for 10"):
        RatingRows.of(BINS, ratings=np.eye(10)[0], votes=(1, 2, 4), mean=2, std=1)
    with pytest.raises(ValueError, match="cannot be added"):
        _ = RatingRows.zero(BINS) + RatingRows.zero(BINS[:5])


def test_ava_counts_five_as_low_other_scales_have_their_middle() -> None:
    assert threshold(BINS) == 5
    assert threshold((1.0, 2.0, 3.0, 4.0, 5.0)) == 3
