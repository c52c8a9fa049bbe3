"""Metrics against hand-made matrices; sums in any order."""

import math

import numpy as np
import pytest

from fcn_core.metrics import correlation
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.metrics.ratings import rating_mean, rating_std


def test_scores_equal_a_hand_confusion_matrix() -> None:
    # Class 2 occurs nowhere; two pixels are void.
    labels = np.array([[0, 0, 0, 1], [1, 255, 255, 0]], np.uint8)
    guesses = np.array([[0, 0, 1, 1], [0, 2, 0, 0]], np.uint8)
    matrix = ConfusionMatrix.of(labels, guesses, classes=3)
    assert matrix.counts.tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]
    scores = matrix.result()
    assert scores.pixels == 6
    assert scores.pixel_accuracy == pytest.approx(4 / 6)
    assert scores.mean_accuracy == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert scores.iou[:2] == pytest.approx((3 / 5, 1 / 3))
    assert math.isnan(scores.iou[2])
    assert scores.miou == pytest.approx((3 / 5 + 1 / 3) / 2)
    assert scores.frequency_weighted_iou == pytest.approx((4 * 3 / 5 + 2 / 3) / 6)


def test_a_class_only_predicted_counts_as_zero() -> None:
    matrix = ConfusionMatrix.of(
        np.zeros((2, 2), np.uint8), np.eye(2, dtype=int), classes=2
    )
    assert matrix.result().iou == (0.5, 0.0)


def test_any_order_and_grouping_give_the_same_counts() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 2, 3, 255], (7, 5, 6)).astype(np.uint8)
    guesses = rng.integers(0, 4, (7, 5, 6)).astype(np.uint8)
    whole = ConfusionMatrix.of(labels, guesses, classes=4)
    parts = ConfusionMatrix.zero(4)
    for index in rng.permutation(7):
        parts += ConfusionMatrix.of(labels[index], guesses[index], classes=4)
    assert np.array_equal(whole.counts, parts.counts)


def test_nothing_counted_has_no_scores() -> None:
    scores = ConfusionMatrix.zero(3).result()
    assert scores.pixels == 0
    assert math.isnan(scores.miou)
    assert math.isnan(scores.pixel_accuracy)


def test_ids_out_of_range_are_refused() -> None:
    labels = np.zeros((1, 2), np.uint8)
    with pytest.raises(ValueError, match=r"prediction: got class ids 0\.\.3, expected"):
        ConfusionMatrix.of(labels, np.array([[0, 3]]), classes=3)
    with pytest.raises(ValueError, match="label: got"):
        ConfusionMatrix.of(labels + 7, labels, classes=3)
    with pytest.raises(ValueError, match="shape"):
        ConfusionMatrix.of(labels, np.zeros((2, 1), int), classes=3)


def test_rating_moments_by_hand() -> None:
    ratings = np.array([[0.5, 0, 0.5], [0, 1, 0]])
    assert rating_mean(ratings, (1, 2, 3)).tolist() == [2.0, 2.0]
    assert rating_std(ratings, (1, 2, 3)).tolist() == [1.0, 0.0]


def test_correlations_equal_scipy_with_ties() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    first = rng.integers(0, 6, 50)
    second = first + rng.normal(size=50)
    assert correlation.pearson(first, second) == pytest.approx(
        stats.pearsonr(first, second)[0]
    )
    assert correlation.spearman(first, second) == pytest.approx(
        stats.spearmanr(first, second)[0]
    )
    assert math.isnan(correlation.spearman([1, 1, 1], [1, 2, 3]))
