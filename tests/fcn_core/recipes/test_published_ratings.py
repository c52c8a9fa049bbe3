"""What fully_convolutional_networks (AVA) and NIMA promise of rating networks."""

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fcn_core import geometry
from fcn_core.evaluation import keras_engine
from fcn_core.models.backbones.applications import build_application
from fcn_core.models.backbones.rows import BACKBONES
from fcn_core.models.backbones.table import application
from fcn_core.models.build import build
from fcn_core.models.layers import Preprocess
from fcn_core.models.networks.ratings import pool_cells
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.files import load_weights
from fcn_core.scoring import scorers
from tests.drawn.published import CLASSIFIER, NARROW, card_of
from tests.drawn.tiny_networks import disturb, draw_floats, drawn, tiny


@pytest.mark.parametrize("backbone", ["vgg16", "vgg19", "mobilenet_v2", "resnet50"])
def test_ava_fcn_own_backbones_classify_any_size(backbone: str) -> None:
    model = build(ModelSpec(**CLASSIFIER, backbone=backbone, classes=2, **NARROW))
    for height, width in ((500, 375), (33, 47), (1, 1)):
        shape = model.compute_output_shape((1, height, width, 3))
        assert shape == (1, -(-height // 32), -(-width // 32), 2)


@pytest.mark.parametrize(
    ("backbone", "width"),
    [
        ("mobilenet", 0.25),
        *(
            pytest.param(name, 1.0, marks=pytest.mark.slow)
            for name in ("xception", "inception_v3", "densenet121")
        ),
    ],
)
def test_ava_fcn_applications_classify_with_their_own_features(
    backbone: str, width: float, tmp_path: Path
) -> None:
    """Any size, weights from Keras' own file, identical after saving."""
    row = BACKBONES[backbone]
    # Large inner layers with random weights; only their order is known to us.
    alpha = {} if width == 1.0 else {"alpha": width}
    source = application(row)(
        weights=None, include_top=False, input_shape=(None, None, 3), **alpha
    )
    for variable in source.weights:
        if "variance" not in variable.name:
            values = np.asarray(variable)
            noise = np.random.default_rng(values.size).normal(size=values.shape)
            variable.assign(values + 0.01 * noise.astype(np.float32))
    source.save_weights(tmp_path / "own.weights.h5")
    spec = ModelSpec(**CLASSIFIER, backbone=backbone, classes=2, width=width)
    model = build(spec)
    report = load_weights(model, spec, str(tmp_path / "own.weights.h5"))
    assert report.new == ("head_score",)
    network = model.get_layer("application")
    for ours, theirs in zip(network.weights, source.weights, strict=True):
        assert np.array_equal(np.asarray(ours), np.asarray(theirs))
    photo = draw_floats(96, 128)
    logits = np.asarray(model(photo))
    assert logits.shape == (1, 3, 4, 2)
    assert model.compute_output_shape((1, 97, 100, 3)) == (1, 4, 4, 2)
    if row.alignment == "center":  # no margin: the features are Keras' own
        features = np.asarray(source(Preprocess(row.preprocessing)(photo)))
        kernel, bias = map(np.asarray, model.get_layer("head_score").weights)
        expected = features @ kernel[0, 0] + bias
        assert np.abs(logits - expected).max() <= 1e-4 * max(1, np.abs(expected).max())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(np.asarray(loaded(photo)), logits)


@functools.cache
def built(backbone: str) -> keras.Model:
    """A classifier at its published width, built once: that takes seconds."""
    return build(ModelSpec(**CLASSIFIER, backbone=backbone, classes=2))


@pytest.mark.parametrize(
    ("backbone", "side"),
    [("xception", 71), pytest.param("inception_v3", 75, marks=pytest.mark.slow)],
)
def test_ava_fcn_the_minimum_side_is_enforced(backbone: str, side: int) -> None:
    spec = ModelSpec(**CLASSIFIER, backbone=backbone, classes=2)
    assert spec.minimum_side == side
    model = built(backbone)
    with pytest.raises(ValueError, match=f"at least {side} pixels"):
        model(draw_floats(side - 1, 200))
    assert model.compute_output_shape((1, side, 80, 3)) == (1, 3, 3, 2)
    placement = geometry.place(
        (30, 500), max_side=None, multiple=32, minimum=spec.minimum_side
    )
    assert min(placement.padded) >= side  # scoring pads up to it


def test_ava_fcn_widths_of_fixed_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="no channel multiplier"):
        build_application(keras.applications.Xception, 0.5)


def test_ava_fcn_networks_without_finer_strides_have_no_skips() -> None:
    for task, name in (("aesthetics", "rating"), ("segmentation", "fcn8s")):
        with pytest.raises(ValueError, match="names no finer strides"):
            ModelSpec(task=task, name=name, backbone="inception_v3")  # type: ignore[arg-type]


@pytest.mark.slow
def test_ava_fcn_inception_lines_up_with_its_pixels() -> None:
    model = built("inception_v3")
    features = keras.Model(model.input, model.get_layer("head_dropout").input)
    grey = np.full((1, 320, 320, 3), 127.5, np.float32)
    lit = grey.copy()
    lit[:, 160, 128] = 255
    change = np.abs(np.asarray(features(lit)) - np.asarray(features(grey))).sum(-1)[0]
    # The features behind the pixel stand in row 5 and column 4: centre of what changes.
    rows, columns = np.nonzero(change > 0)
    assert (rows.min() + rows.max()) / 2 == pytest.approx(5, abs=0.5)
    assert (columns.min() + columns.max()) / 2 == pytest.approx(4, abs=0.5)


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_ava_fcn_pooled_scores_are_a_distribution(pooling: Any) -> None:
    spec = ModelSpec(
        **CLASSIFIER, backbone="vgg16", classes=10, pooling=pooling, **NARROW
    )
    card = card_of(spec)
    assert card.pooling == pooling
    model = disturb(build(spec))
    scorer = keras_engine.scorer_of(model, card)
    batch = draw_floats(128, 256).astype(np.uint8)
    sizes = np.array([[100, 201]], np.int32)
    outputs = scorer.score(batch, sizes)
    assert outputs["ratings"].sum() == pytest.approx(1, abs=1e-6)
    logits = np.asarray(model(batch.astype(np.float32)))
    cells = geometry.valid_cells(sizes, stride=32, alignment="center")[0]
    valid = logits[0, : cells[0], : cells[1]].reshape(-1, 10)
    pooled = valid.mean(0) if pooling == "average" else valid.max(0)
    expected = np.exp(pooled) / np.exp(pooled).sum()
    assert outputs["ratings"][0] == pytest.approx(expected, abs=1e-6)
    in_training = np.asarray(pool_cells(logits, sizes, spec=spec))[0]
    assert in_training == pytest.approx(pooled, abs=1e-4)


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_ava_fcn_pooling_ignores_padding_exactly(pooling: Any) -> None:
    spec = ModelSpec(**CLASSIFIER, backbone="vgg16", classes=3, pooling=pooling)
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 4, 8, 3)).astype(np.float32)
    sizes = np.array([[100, 201], [128, 16]], np.int32)
    cells = geometry.valid_cells(sizes, stride=32, alignment=spec.alignment)
    other = rng.normal(scale=1e6, size=logits.shape).astype(np.float32)
    for noise, (rows, columns), values in zip(other, cells, logits, strict=True):
        noise[:rows, :columns] = values[:rows, :columns]
    for pool in (
        lambda values: np.asarray(pool_cells(values, sizes, spec=spec)),
        lambda values: scorers.rate(values, sizes, card=card_of(spec))["ratings"],
    ):
        assert np.array_equal(pool(logits), pool(other))


@pytest.mark.parametrize(
    "name", ["classifier vgg19 low", "classifier mobilenet_v2 low"]
)
def test_ava_fcn_the_low_level_skip_works_at_any_size(name: str) -> None:
    model = drawn(name)
    for height, width in ((336, 336), (500, 375), (33, 47), (1, 1)):
        shape = model.compute_output_shape((1, height, width, 3))
        assert shape == (1, -(-height // 32), -(-width // 32), 3)
    low = model.get_layer("head_low")
    photo = draw_floats(64, 96)
    before = np.asarray(model(photo))
    kernel = np.asarray(low.kernel).copy()
    low.kernel.assign(0 * kernel)
    assert np.abs(np.asarray(model(photo)) - before).max() > 1e-3
    low.kernel.assign(kernel)
    assert tiny(name).low_level


@pytest.mark.parametrize(
    ("classes", "bins"),
    [(2, [0, 1]), (10, list(range(1, 11))), (1, [1, 10])],
)
def test_nima_and_ava_fcn_heads_for_two_classes_ten_ratings_and_one_mark(
    classes: int, bins: list[float]
) -> None:
    spec = ModelSpec(**CLASSIFIER, backbone="vgg16", classes=classes, **NARROW)
    card = card_of(spec)
    assert card.rating_bins == bins
    model = disturb(build(spec))
    batch = draw_floats(64, 96).astype(np.uint8)
    outputs = keras_engine.scorer_of(model, card).score(
        batch, np.array([[64, 96]], np.int32)
    )
    assert outputs["ratings"].shape == (1, len(bins))
    if classes == 1:
        logits = np.asarray(model(batch.astype(np.float32)))
        assert not logits[..., 0].any()
        mark = 5.5 + 4.5 * np.tanh(logits[..., 1].mean() / 2)
        assert outputs["mean"][0] == pytest.approx(mark, abs=1e-4)
