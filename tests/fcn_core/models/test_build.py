"""Networks by name: sizes, geometry, counts."""

import keras
import numpy as np
import pytest

from fcn_core.geometry import valid_cells
from fcn_core.models.build import build, build_model, layer_group
from fcn_core.models.networks.ratings import pool_cells
from fcn_core.models.spec import ModelSpec
from tests.drawn.tiny_networks import draw_floats, scramble, small_spec

SIZES = ((500, 375), (333, 500), (33, 47), (1, 1))


@pytest.mark.parametrize("backbone", ["vgg16", "mobilenet_v2"])
@pytest.mark.parametrize(
    ("name", "stride"),
    [
        ("fcn8s", 8),
        *(pytest.param(f"fcn{s}s", s, marks=pytest.mark.slow) for s in (16, 32)),
    ],
)
def test_logits_cover_any_size(name: str, stride: int, backbone: str) -> None:
    spec = small_spec(name, backbone)
    model = build(spec)
    assert spec.logits_stride == stride
    for height, width in SIZES:
        shape = model(np.zeros((1, height, width, 3), np.float32)).shape
        assert tuple(shape) == (1, -(-height // stride), -(-width // stride), 3)


def test_vgg_parameter_counts_are_the_published_ones() -> None:
    full = build_model(name="fcn32s", backbone="vgg16", classes=21)
    counts = {"fcn32s": full.count_params()}
    del full
    small_head = {
        name: build_model(name=name, backbone="vgg16", head_width=8).count_params()
        for name in ("fcn32s", "fcn16s", "fcn8s")
    }
    for name in ("fcn16s", "fcn8s"):
        counts[name] = counts["fcn32s"] + small_head[name] - small_head["fcn32s"]
    assert counts == {
        "fcn32s": 134_346_581,
        "fcn16s": 134_357_354,
        "fcn8s": 134_362_751,
    }


def test_voc21_is_a_small_network_at_stride_16() -> None:
    spec = ModelSpec(name="fcn8s", backbone="mobilenet_v2")
    assert (spec.output_stride, spec.logits_stride, spec.size_multiple) == (16, 8, 16)
    assert spec.alignment == "corner"
    assert 2.1e6 < build(spec).count_params() < 2.2e6


@pytest.mark.parametrize("backbone", ["vgg16", "mobilenet_v2"])
def test_shifting_the_photo_by_a_stride_shifts_the_logits_by_one(backbone: str) -> None:
    # VGG needs a shift of its output stride; so does MobileNetV2 at 16.
    spec = small_spec("fcn8s", backbone)
    model = scramble(build(spec))
    shift = spec.output_stride
    photo = draw_floats(48, 1216)
    if backbone == "mobilenet_v2":
        # Its head sees the whole photo; without the pooled branch it is local.
        model.get_layer("head_project_context").kernel.assign(
            np.zeros(model.get_layer("head_project_context").kernel.shape)
        )
    here = np.asarray(model(photo[:, :, :-shift]))
    shifted = np.asarray(model(photo[:, :, shift:]))
    cells = shift // spec.logits_stride
    inside = slice(74, 78)  # Beyond the reach of either border.
    assert np.ptp(here[:, 2:4, inside]) > 1e-3
    moved = np.asarray(shifted[:, 2:4, inside.start - cells : inside.stop - cells])
    np.testing.assert_allclose(
        here[:, 2:4, inside], moved, rtol=1e-3, atol=1e-6 * np.abs(here).max()
    )


def test_rating_cells_are_those_that_scoring_counts() -> None:
    spec = ModelSpec(
        task="aesthetics", name="rating", backbone="mobilenet_v2", classes=10, width=0.1
    )
    logits = np.random.default_rng(0).normal(size=(2, 4, 5, 10)).astype(np.float32)
    sizes = np.array([[64, 80], [33, 1]], np.int32)
    pooled = np.asarray(pool_cells(logits, sizes, spec=spec))
    cells = valid_cells(sizes, stride=16, alignment=spec.alignment)
    assert cells.tolist() == [[4, 5], [3, 1]]
    for mean, values, (rows, columns) in zip(pooled, logits, cells, strict=True):
        assert mean == pytest.approx(values[:rows, :columns].mean((0, 1)), abs=1e-6)


def test_rating_network_scores_cells_of_16_pixels() -> None:
    spec = ModelSpec(
        task="aesthetics", name="rating", backbone="mobilenet_v2", classes=10, width=0.1
    )
    model = build(spec)
    for height, width in SIZES:
        shape = model(np.zeros((1, height, width, 3), np.float32)).shape
        assert tuple(shape) == (1, -(-height // 16), -(-width // 16), 10)


def test_groups_follow_names() -> None:
    model = build(small_spec())
    groups = {layer.name: layer_group(layer.name) for layer in model.layers}
    assert groups["skip_stride8"] == "skip"
    assert groups["head_score"] == "head"
    assert groups["block_16_project_BN"] == "backbone"


def test_stride_32_network_equals_keras_where_padding_agrees() -> None:
    """Built for an odd size, Keras pads (1, 1) too: the features must be the same."""
    side = 65  # 65 -> 33 -> 17: odd at every stride-2 convolution up to block 2.
    original = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(side, side, 3), alpha=0.35
    )
    scramble(original)
    spec = ModelSpec(
        name="fcn32s", backbone="mobilenet_v2", width=0.35, head_width=8, classes=3
    )
    model = build(spec)
    for layer in model.layers:
        if layer_group(layer.name) == "backbone" and layer.weights:
            layer.set_weights(original.get_layer(layer.name).get_weights())
    feature = "block_2_add"
    photo = draw_floats(side, side)
    ours = keras.Model(model.input, model.get_layer(feature).output)(photo)
    theirs = keras.Model(original.input, original.get_layer(feature).output)(
        photo / 127.5 - 1
    )
    difference = np.abs(np.asarray(ours) - np.asarray(theirs)).max()
    assert difference < 1e-4 * np.abs(np.asarray(theirs)).max()
