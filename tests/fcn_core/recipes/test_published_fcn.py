"""What Keras-FCN, tf-image-segmentation and the Caffe release promise of FCNs."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest

from fcn_core.models.build import build
from fcn_core.models.layers import BilinearUpsampling
from fcn_core.models.networks.upsampling import BilinearKernel, triangle
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import tensors_of, transfer
from tests.drawn.published import SIZES, descend, tiny
from tests.drawn.tiny_networks import disturb, draw_floats

NAMES = ("fcn32s", "fcn16s", "fcn8s")
BACKBONES = ("vgg16", "vgg19", "mobilenet_v2", "resnet50")


@pytest.mark.parametrize(
    ("name", "backbone"),
    [
        # Every name and every backbone; the other pairs have no code of their own.
        (name, backbone)
        if name == "fcn8s" or backbone == "vgg16"
        else pytest.param(name, backbone, marks=pytest.mark.slow)
        for name, backbone in itertools.product(NAMES, BACKBONES)
    ],
)
def test_keras_fcn_pixels_come_out_as_they_went_in(name: str, backbone: str) -> None:
    model = build(tiny(name, backbone, upsampling="transposed", full_size=True))
    for height, width in (*SIZES, (1, 1)):
        assert model(draw_floats(height, width)).shape == (1, height, width, 3)


def upsampler(spec: ModelSpec) -> tuple[keras.Model, keras.layers.Layer]:
    """The final upsampling of a network alone: score map -> pixels."""
    model = build(spec)
    kernel = model.get_layer("upsample_final")
    scores = keras.Input((None, None, spec.classes))
    pixels = model.get_layer("upsample_final_crop")(kernel(scores))
    return keras.Model(scores, pixels), kernel


@pytest.mark.parametrize("backbone", ["vgg16", "resnet50"])
@pytest.mark.parametrize(
    ("name", "factor"), [("fcn32s", 32), ("fcn16s", 16), ("fcn8s", 8)]
)
def test_keras_fcn_frozen_kernels_are_bilinear(
    name: str, factor: int, backbone: str
) -> None:
    spec = tiny(name, backbone, upsampling="transposed", full_size=True)
    enlarge, kernel = upsampler(spec)
    assert not kernel.trainable_variables
    inside = slice(factor, -factor)
    constant = np.asarray(enlarge(np.full((1, 6, 7, 3), 2.5, np.float32)))
    assert constant.shape == (1, 6 * factor, 7 * factor, 3)
    assert np.abs(constant[:, inside, inside] - 2.5).max() < 1e-5
    ramp = np.broadcast_to(np.arange(7, dtype=np.float32)[:, None], (1, 6, 7, 3))
    # A cell's score sits on its first pixel (corner) or between the middle two.
    shift = 0 if backbone == "resnet50" else (factor - 1) / 2
    expected = (np.arange(7 * factor) - shift) / factor
    row = np.asarray(enlarge(np.ascontiguousarray(ramp)))[0, 3 * factor, :, 1]
    assert np.abs(row - expected)[inside].max() < 1e-4
    noise = np.random.default_rng(0).normal(size=(1, 6, 7, 3)).astype(np.float32)
    resized = np.asarray(BilinearUpsampling(factor, spec.alignment)(noise))
    difference = np.abs(np.asarray(enlarge(noise)) - resized)
    assert difference[:, inside, inside].max() < 1e-6
    assert difference.max() > 0.1  # at the border the kernel's weights sum to less


def test_caffe_fcn_kernels_have_the_papers_weights() -> None:
    assert triangle(4)[0].tolist() == [0.0625, 0.1875, 0.1875, 0.0625]
    assert triangle(3)[1].tolist() == [0.5, 1, 0.5]
    kernel = np.asarray(BilinearKernel()((4, 4, 3, 3)))
    assert np.array_equal(kernel[:, :, 1, 1], triangle(4))
    assert not kernel[:, :, 0, 1].any()
    with pytest.raises(ValueError, match="expected \\[k, k, C, C\\]"):
        BilinearKernel()((4, 4, 3, 2))


def test_caffe_fcn_only_learnable_upsampling_changes() -> None:
    frozen, learnable = (
        build(tiny("fcn16s", upsampling=kind, full_size=True))
        for kind in ("transposed", "learnable")
    )
    for layer in frozen.layers:
        for ours, theirs in zip(
            layer.weights, learnable.get_layer(layer.name).weights, strict=False
        ):
            theirs.assign(ours)
    for model in (frozen, learnable):
        disturb_score(model)
    photo = draw_floats(64, 96)
    assert np.array_equal(np.asarray(frozen(photo)), np.asarray(learnable(photo)))
    for model, changes in ((frozen, False), (learnable, True)):
        names = ("upsample_stride16", "upsample_final")
        before = [np.asarray(model.get_layer(name).kernel).copy() for name in names]
        descend(model, 1)
        for name, kernel in zip(names, before, strict=True):
            same = np.array_equal(kernel, np.asarray(model.get_layer(name).kernel))
            assert same is not changes, name


def disturb_score(model: keras.Model) -> None:
    layer = model.get_layer("head_score")
    rng = np.random.default_rng(3)
    layer.kernel.assign(rng.normal(size=layer.kernel.shape))


@pytest.mark.parametrize("upsampling", ["bilinear", "transposed"])
def test_tf_image_segmentation_skips_start_at_zero(upsampling: str) -> None:
    coarse = disturb_but_upsampling(build(tiny("fcn16s", upsampling=upsampling)))
    fine = build(tiny("fcn8s", upsampling=upsampling))
    assert "skip_stride8" in transfer(coarse, fine).new
    photo = draw_floats(96, 128)
    doubled = keras.Model(fine.input, fine.get_layer("crop_stride8").output)(photo)
    assert np.array_equal(np.asarray(fine(photo)), np.asarray(doubled))
    assert np.array_equal(
        np.asarray(coarse(photo)),
        np.asarray(
            keras.Model(fine.input, fine.get_layer("fuse_stride16").output)(photo)
        ),
    )
    assert np.ptp(np.asarray(doubled)) > 1e-3


def disturb_but_upsampling(model: keras.Model) -> keras.Model:
    kernels = {
        layer.name: layer.get_weights()
        for layer in model.layers
        if layer.name.startswith("upsample_")
    }
    disturb(model)
    for name, values in kernels.items():
        model.get_layer(name).set_weights(values)
    return model


@pytest.mark.parametrize("geometry_name", ["same", "caffe"])
def test_tf_image_segmentation_stages_hand_over_every_shared_tensor(
    geometry_name: str,
) -> None:
    options: dict[str, Any] = {
        "geometry": geometry_name,
        "upsampling": "transposed",
        "full_size": True,
    }
    stages = [build(tiny(name, **options)) for name in ("fcn32s", "fcn16s", "fcn8s")]
    disturb(stages[0])
    fresh = ["upsample_final", "skip_stride16", "upsample_stride16"]
    for source, target in itertools.pairwise(stages):
        before = tensors_of(target)
        report = transfer(source, target)
        shared = tensors_of(source)
        assert sorted(report.new) == sorted(fresh)
        fresh = ["upsample_final", "skip_stride8", "upsample_stride8"]
        for name, values in tensors_of(target).items():
            kept = before if name.split("/")[0] in report.new else shared
            assert np.array_equal(values, kept[name]), name


def test_caffe_fcn_at_once_scales_the_skips_and_learns_from_the_first_step() -> None:
    keras.utils.set_random_seed(0)
    model = build(tiny(skip_scales=True, full_size=True))
    scales = {
        layer.name: layer.scale
        for layer in model.layers
        if isinstance(layer, keras.layers.Rescaling)
    }
    assert scales == {"scale_stride16": 0.01, "scale_stride8": 0.0001}
    losses = descend(model, 6)
    assert losses[-1] < losses[0]
    assert np.asarray(model.get_layer("skip_stride16").kernel).any()


@pytest.mark.parametrize(
    ("name", "fused"), [("fcn32s", None), ("fcn16s", (34, 26)), ("fcn8s", (70, 54))]
)
def test_caffe_fcn_sizes_of_every_map_are_the_release_s(
    name: str, fused: tuple[int, int] | None
) -> None:
    model = build(tiny(name, geometry="caffe"))
    photo = draw_floats(500, 375)
    scores = keras.Model(model.input, model.get_layer("head_score").output)(photo)
    assert scores.shape[1:3] == (16, 12)
    if fused:
        last = "fuse_stride16" if name == "fcn16s" else "fuse_stride8"
        part = keras.Model(model.input, model.get_layer(last).output)(photo)
        assert part.shape[1:3] == fused
    for height, width in (*SIZES, (1, 1)):
        assert model(draw_floats(height, width)).shape == (1, height, width, 3)


def test_caffe_fcn_crops_put_a_cell_where_it_looked() -> None:
    """A cell's peak lies in the middle of what the network saw there."""
    spec = tiny("fcn32s", geometry="caffe")
    model = build(spec)
    upsample, crop = model.get_layer("upsample_final"), model.get_layer("crop_final")
    scores = np.zeros((1, 16, 12, 3), np.float32)
    scores[0, 5, 4] = 1
    pixels = np.asarray(crop([upsample(scores), draw_floats(500, 375)]))[0, :, :, 0]
    rows, columns = np.nonzero(pixels == pixels.max())
    # fc6 cell j sees cells j..j+6 of 32 pixels, of a photo moved by 100 - 1 pixels
    # (the pools look half a pixel to the right of their first pixel each).
    for found, cell in ((rows.mean(), 5), (columns.mean(), 4)):
        centre = 32 * (cell + 3) + 15.5 - 99
        assert abs(found - centre) <= 2
