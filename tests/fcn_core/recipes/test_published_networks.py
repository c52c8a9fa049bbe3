"""What other projects promise of their networks: sizes, parameters, dilation."""

import functools
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fcn_core import geometry
from fcn_core.models.build import build
from fcn_core.models.networks.switches import PoolWithSwitches, Unpool
from fcn_core.models.regularisation import freeze_batch_norm
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import transfer
from fcn_core.models.weights.files import load_weights
from fcn_core.scoring import class_maps
from tests.drawn.published import SIZES, TINY, tiny
from tests.drawn.tiny_networks import disturb, draw_floats, drawn
from tests.drawn.trained_files import write_keras2_file


def count_parameters(*options: dict[str, Any]) -> list[list[int]]:
    """Trainable and frozen parameters of networks, counted without memory for them."""
    counts = []
    for fields in options:
        # Without values: the networks are gigabytes.
        with keras.StatelessScope(initialize_variables=False):
            model = build(ModelSpec(**fields))
        counts.append(
            [
                sum(math.prod(variable.shape) for variable in variables)
                for variables in (model.trainable_weights, model.non_trainable_weights)
            ]
        )
    return counts


def test_parameter_counts_are_those_of_keras_fcn_keras_3540_and_ava_fcn() -> None:
    published = {"upsampling": "transposed", "full_size": True}
    skip = {"task": "aesthetics", "name": "classifier", "classes": 2}
    counts = count_parameters(
        *({"name": name, **published} for name in ("fcn32s", "fcn16s", "fcn8s")),
        {"name": "deconvnet"},
        skip,
        {**skip, "low_level": True},
    )
    assert counts[:3] == [
        [134_346_581, 1_806_336],
        [134_357_354, 458_640],
        [134_362_751, 127_008],
    ]
    assert sum(counts[3]) == pytest.approx(251.8e6, abs=5e4)
    assert counts[4:] == [[134_268_738, 0], [159_975_362, 0]]


def test_keras_fcn_dense_layers_become_convolutions(tmp_path: Path) -> None:
    numbers: dict[str, Any] = TINY | {"classes": 4, "dropout": 0.5}
    dense_spec = ModelSpec(
        task="aesthetics", name="baseline", backbone="vgg16", **numbers
    )
    dense = disturb(build(dense_spec))
    names = {"head_fc6": "fc1", "head_fc7": "fc2", "head_score": "predictions"}
    write_keras2_file(
        tmp_path / "vgg16.h5",
        {
            names.get(layer.name, layer.name): {
                variable.name: np.asarray(variable) for variable in layer.weights
            }
            for layer in dense.layers
            if layer.weights
        },
    )
    spec = ModelSpec(
        task="aesthetics",
        name="classifier",
        backbone="vgg16",
        geometry="valid",
        **numbers,
    )
    model = build(spec)
    assert load_weights(model, spec, str(tmp_path / "vgg16.h5")).new == ()
    photo = draw_floats(224, 224)
    expected = np.asarray(dense(photo))
    logits = np.asarray(model(photo))
    assert logits.shape == (1, 1, 1, 4)
    assert np.abs(logits[0, 0] - expected).max() <= 1e-4
    assert np.ptp(expected) > 1e-3
    # The baseline takes them as they are.
    again = build(dense_spec)
    assert load_weights(again, dense_spec, str(tmp_path / "vgg16.h5")).new == ()
    assert np.array_equal(np.asarray(again(photo)), expected)
    # In FCNs the same kernels are padded; other classes leave the score new.
    fcn_spec = tiny("fcn32s")
    fcn = build(fcn_spec)
    report = load_weights(fcn, fcn_spec, str(tmp_path / "vgg16.h5"))
    assert report.new == ("head_score",)
    assert np.array_equal(
        fcn.get_layer("head_fc6").kernel, model.get_layer("head_fc6").kernel
    )


def test_ava_fcn_the_classifier_is_a_grid() -> None:
    model = drawn("classifier vgg16 valid low")
    for side, cells in ((224, 1), (336, 4), (448, 8), (672, 15)):
        assert model.compute_output_shape((1, side, side, 3))[1:3] == (cells, cells)
    photo = draw_floats(224, 672)
    one, other = model(photo[:, :, :-32]), model(photo[:, :, 32:])
    # Cells whose whole view is inside both photos.
    assert np.ptp(np.asarray(one)) > 1e-3
    np.testing.assert_allclose(
        np.asarray(one)[:, :, 4:11], np.asarray(other)[:, :, 3:10], rtol=1e-3, atol=1e-4
    )


def test_deconvnet_unpooling_puts_each_maximum_back() -> None:
    rng = np.random.default_rng(0)
    for height, width in ((6, 8), (5, 7), (1, 1)):
        x = rng.normal(size=(2, height, width, 3)).astype(np.float32)
        pooled, switches = PoolWithSwitches()(x)
        back = np.asarray(Unpool()([pooled, switches]))
        found = back != 0
        assert np.array_equal(back[found], x[found])
        assert found.sum() == np.asarray(pooled).size
        assert np.array_equal(
            np.asarray(PoolWithSwitches()(back)[0]).clip(0),
            (np.asarray(pooled).clip(0)),
        )


@pytest.mark.parametrize("name", ["deconvnet", "deconvnet_repeat"])
def test_deconvnet_takes_any_size_and_says_which_is_too_small(name: str) -> None:
    model = build(tiny(name))
    assert model(draw_floats(193, 230)).shape == (1, 193, 230, 3)
    with pytest.raises(ValueError, match="at least 193"):
        model(draw_floats(192, 230))


@pytest.mark.parametrize(
    ("backbone", "stride"),
    [("resnet50", 8), ("resnet50", 16), ("resnet101", 8), ("vgg16", 8), ("vgg19", 16)],
)
def test_tf_image_segmentation_dilated_networks_have_their_stride(
    backbone: str, stride: int
) -> None:
    spec = tiny("dilated", backbone, output_stride=stride)
    assert spec.logits_stride == stride
    model = build(spec)
    for height, width in SIZES:
        shape = model.compute_output_shape((1, height, width, 3))
        assert shape == (1, -(-height // stride), -(-width // stride), 3)


@functools.cache
def strided_resnet() -> keras.Model:
    return disturb(build(tiny("fcn32s", "resnet50")))


@pytest.mark.parametrize("stride", [8, 16])
def test_tf_image_segmentation_dilation_computes_what_the_strides_did_and_more(
    stride: int,
) -> None:
    """Every cell of the strided ResNet is a cell of the dilated one, to rounding."""
    coarse = strided_resnet()
    fine = build(tiny("dilated", "resnet50", output_stride=stride))
    assert transfer(coarse, fine).new == ()
    photo = draw_floats(75, 101)
    every = 32 // stride
    strided = np.asarray(coarse(photo))
    dilated = np.asarray(fine(photo))[:, ::every, ::every]
    assert np.ptp(strided) > 1e-3
    assert np.abs(strided - dilated).max() <= 1e-4 * np.abs(strided).max()


def test_tf_image_segmentation_frozen_batch_norm_keeps_its_statistics() -> None:
    free, frozen = (build(tiny("dilated", "resnet50")) for _ in range(2))
    freeze_batch_norm(frozen)
    for model, changes in ((free, True), (frozen, False)):
        layer = model.get_layer("conv3_block1_1_bn")
        before = [np.asarray(variable).copy() for variable in layer.weights]
        model(draw_floats(64, 64), training=True)
        same = [
            np.array_equal(a, np.asarray(b))
            for a, b in zip(before, layer.weights, strict=True)
        ]
        assert all(same) is not changes


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (129, 128)])
def test_tf_image_segmentation_any_size_gives_a_class_map_of_that_size(
    size: tuple[int, int],
) -> None:
    spec = tiny("fcn8s", "mobilenet_v2")
    model = disturb(build(spec))
    place = geometry.place(size, max_side=None, multiple=spec.size_multiple)
    padded = np.zeros((1, *place.padded, 3), np.float32)
    padded[:, : size[0], : size[1]] = draw_floats(*size)
    found = class_maps.class_map(
        np.asarray(model(padded))[0],
        place,
        stride=spec.logits_stride,
        alignment=spec.alignment,
    )
    assert found.shape == size
