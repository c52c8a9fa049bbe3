"""Losses against values worked out on paper."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fcn_core import images
from fcn_core.recipes.recipe import RecipeError
from fcn_core.records.source import Source
from fcn_core.training.objectives import losses
from fcn_core.training.objectives.segmentation import class_weights_of
from tests.drawn import tiny_shards
from tests.drawn.tiny_recipes import SEGMENTATION


def test_cross_entropy_equals_hand_value() -> None:
    logits = np.log([[[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]]]).astype(np.float32)
    labels = np.array([[[0, 1]]], np.uint8)
    expected = -(np.log(0.5) + np.log(0.8)) / 2
    assert float(losses.pixel_cross_entropy(labels, logits)) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32"])
def test_void_pixels_change_nothing(dtype: str) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    labels = rng.integers(0, 5, (2, 3, 4))
    padded_logits = np.pad(logits, ((0, 0), (0, 2), (0, 3), (0, 0)), constant_values=9)
    padded = np.pad(labels, ((0, 0), (0, 2), (0, 3)), constant_values=255)
    plain = float(losses.pixel_cross_entropy(labels.astype(dtype), logits))
    with_void = float(losses.pixel_cross_entropy(padded.astype(dtype), padded_logits))
    assert plain == pytest.approx(with_void, rel=1e-6)
    assert plain > 0.5


def test_all_void_costs_zero_and_moves_nothing() -> None:
    tf = pytest.importorskip("tensorflow")
    logits = tf.Variable(np.random.default_rng(0).normal(size=(1, 2, 2, 3)))
    labels = np.full((1, 2, 2), 255, np.uint8)
    with tf.GradientTape() as tape:
        loss = losses.pixel_cross_entropy(labels, logits)
    assert float(loss) == 0.0
    assert np.array_equal(tape.gradient(loss, logits), np.zeros((1, 2, 2, 3)))


def test_jaccard_distance_is_one_minus_the_iou_of_certain_predictions() -> None:
    labels = np.array([[[0, 0, 1, 1, 255]], [[2, 2, 2, 2, 2]]], np.uint8)
    guessed = np.array([[[0, 1, 1, 1, 1]], [[2, 2, 2, 0, 0]]])
    logits = 50 * np.eye(4, dtype=np.float32)[guessed]
    first = 1 - (1 / 2 + 2 / 3) / 2  # classes 0 and 1; void is in no union
    second = 1 - 3 / 5
    expected = (4 * first + 5 * second) / 9
    assert float(losses.jaccard_distance(labels, logits)) == pytest.approx(expected)
    parts = [
        float(losses.jaccard_distance(labels[i : i + 1], logits[i : i + 1], total=9))
        for i in range(2)
    ]
    assert sum(parts) == pytest.approx(expected)
    void = np.full_like(labels, 255)
    assert float(losses.jaccard_distance(void, logits)) == 0


def test_earth_movers_distance_uses_cumulative_sums() -> None:
    first = np.array([[1, 0, 0, 0]], np.float32)
    near, far = np.array([[0, 1, 0, 0]]), np.array([[0, 0, 0, 1]])
    for power, expected in ((1.0, 1 / 4), (2.0, (1 / 4) ** 0.5)):
        distance = losses.earth_movers_distance(
            first, near.astype(np.float32), power=power
        )
        assert float(distance) == pytest.approx(expected)
    distance = losses.earth_movers_distance(first, far.astype(np.float32), power=1.0)
    assert float(distance) == pytest.approx(3 / 4)


def test_earth_movers_distance_of_equals_is_zero_with_finite_gradient() -> None:
    tf = pytest.importorskip("tensorflow")
    logits = tf.Variable(np.zeros((2, 10), np.float32))
    target = np.full((2, 10), 0.1, np.float32)
    with tf.GradientTape() as tape:
        distance = losses.earth_movers_distance(target, tf.nn.softmax(logits))
    assert float(distance) == pytest.approx(0.0, abs=1e-6)
    assert np.isfinite(
        keras.ops.convert_to_numpy(tape.gradient(distance, logits))
    ).all()


def test_weighted_cross_entropy_is_a_weighted_mean() -> None:
    logits = np.log([[[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]]])
    labels = np.array([[[0, 1, 255]]], np.uint8)
    weights = (1.0, 3.0, 7.0)
    expected = -(1 * np.log(0.5) + 3 * np.log(0.8)) / (1 + 3)  # 255 weighs nothing
    logits = logits.astype(np.float32)
    loss = losses.pixel_cross_entropy(labels, logits, class_weights=weights)
    assert float(loss) == pytest.approx(expected)
    total = losses.pixel_weight(labels, class_weights=weights)
    assert total == 4.0
    assert losses.pixel_weight(labels) == 2.0
    same = losses.pixel_cross_entropy(
        labels, logits, class_weights=weights, total=total
    )
    assert float(same) == pytest.approx(expected)


def test_label_smoothing_spreads_a_share_over_all_classes() -> None:
    shares = np.array([[[[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]]])
    labels = np.array([[[0, 255]]], np.uint8)
    target = np.array([0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3])
    expected = -(target * np.log(shares[0, 0, 0])).sum()  # void is not smoothed in
    logits = np.log(shares).astype(np.float32)
    loss = losses.pixel_cross_entropy(labels, logits, smoothing=0.1)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    void = np.full_like(labels, 255)
    assert float(losses.pixel_cross_entropy(void, logits, smoothing=0.1)) == 0


def test_soft_labels_are_a_share_of_the_target() -> None:
    shares = np.array([[[[0.5, 0.3, 0.2]]]])
    teacher = np.array([[[[0.2, 0.2, 0.6]]]])
    target = 0.25 * np.array([1, 0, 0]) + 0.75 * teacher[0, 0, 0]
    loss = losses.pixel_cross_entropy(
        np.array([[[0]]], np.uint8),
        np.log(shares).astype(np.float32),
        soft=np.log(teacher).astype(np.float32),
        soft_share=0.75,
    )
    expected = -(target * np.log(shares[0, 0, 0])).sum()
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_median_frequency_weights_make_rare_classes_count() -> None:
    pixels = np.array([60, 30, 5, 0])
    of_images = np.array([100, 100, 50, 0])  # frequencies 0.6, 0.3, 0.1
    weights = losses.median_frequency_weights(pixels, of_images)
    assert weights == pytest.approx((0.5, 1.0, 3.0, 0.0))


def test_class_weights_come_from_the_labels_of_the_data(tmp_path: Path) -> None:
    drawn = tiny_shards.drawn_records(tmp_path / "tree", train=2, val=0)["train"]
    labels = np.full((2, 1, 10), 255, np.uint8)
    labels[0, 0, :8] = [0, 0, 0, 0, 0, 0, 1, 1]  # its 2 void pixels count nowhere
    labels[1, 0] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    records = [
        replace(record, label=images.encode_mask(label))
        for record, label in zip(drawn, labels, strict=True)
    ]
    source = Source(
        folder=tiny_shards.write_finished(tmp_path / "data", {"train": records}),
        split="train",
    )
    asked = replace(SEGMENTATION, class_weights="median-frequency")
    found = class_weights_of(asked, source, classes=4, void=255)
    # Frequencies 15/18, 2/8, 1/10; their median is 1/4.
    assert found == pytest.approx((0.25 * 18 / 15, 1.0, 2.5, 0.0))
    own = replace(SEGMENTATION, class_weights=(1.0, 2.0))
    assert class_weights_of(own, source, classes=2, void=255) == (1.0, 2.0)
    with pytest.raises(RecipeError, match=r"got 2 numbers, .* or 4 numbers"):
        class_weights_of(own, source, classes=4, void=255)
    assert class_weights_of(SEGMENTATION, source, classes=4, void=255) is None
