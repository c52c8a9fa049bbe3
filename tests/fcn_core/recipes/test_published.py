"""What the seeds promise of segmentation networks, one test a row of the feature list.

The row's number is in the test's name. Rows 13 to 16 and 31 are about ratings: see
`test_seed_rows_ratings.py`; row 10 is in `test_layouts.py`.
"""

import functools
import itertools
import json
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from numpy.typing import NDArray

from fcn_core import geometry, recipes
from fcn_core.models.build import build
from fcn_core.models.layers import BilinearUpsampling, Preprocess
from fcn_core.models.networks.switches import PoolWithSwitches, Unpool
from fcn_core.models.networks.upsampling import BilinearKernel, triangle
from fcn_core.models.regularisation import freeze_batch_norm
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import tensors_of, transfer
from fcn_core.models.weights.files import load_weights
from fcn_core.scoring import class_maps
from fcn_core.training.objectives.losses import pixel_cross_entropy
from fcn_core.training.trainer import Trainer
from tests.drawn.tiny_networks import disturb, drawn
from tests.drawn.trained_files import write_keras2_file

SIZES = ((500, 375), (333, 500), (33, 47))
TINY: dict[str, Any] = {"width": 0.05, "head_width": 6, "classes": 3}


def tiny(name: str = "fcn8s", backbone: str = "vgg16", **options: Any) -> ModelSpec:
    return ModelSpec(name=name, backbone=backbone, **(TINY | options))


def draw(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 255, (1, height, width, 3)).astype(np.float32)


def descend(model: keras.Model, steps: int, *, rate: float = 1e-2) -> list[float]:
    """Losses of a few steps on one drawn pair."""
    photo = draw(64, 64)
    labels = (photo[..., 0] > 127).astype(np.uint8)
    optimizer = keras.optimizers.Adam(rate)

    def loss(y_true: Any, logits: Any) -> Any:
        return pixel_cross_entropy(ops.squeeze(y_true, -1), logits)

    model.compile(optimizer=optimizer, loss=loss, run_eagerly=True)
    return [float(model.train_on_batch(photo, labels[..., None])) for _ in range(steps)]


@pytest.mark.parametrize("backbone", ["vgg16", "vgg19", "mobilenet_v2", "resnet50"])
@pytest.mark.parametrize("name", ["fcn32s", "fcn16s", "fcn8s"])
def test_row01_pixels_come_out_as_they_went_in(name: str, backbone: str) -> None:
    model = build(tiny(name, backbone, upsampling="transposed", full_size=True))
    for height, width in (*SIZES, (1, 1)):
        assert model(draw(height, width)).shape == (1, height, width, 3)


def count_parameters(*options: dict[str, Any]) -> list[list[int]]:
    """Trainable and frozen parameters of networks, counted without memory for them."""
    counts = []
    for one in options:
        # Without values: the networks are gigabytes.
        with keras.StatelessScope(initialize_variables=False):
            model = build(ModelSpec(**one))
        counts.append(
            [
                sum(math.prod(variable.shape) for variable in variables)
                for variables in (model.trainable_weights, model.non_trainable_weights)
            ]
        )
    return counts


def test_row01_and_row11_parameter_counts_are_the_published_ones() -> None:
    seed = {"upsampling": "transposed", "full_size": True}
    skip = {"task": "aesthetics", "name": "classifier", "classes": 2}
    counts = count_parameters(
        *({"name": name, **seed} for name in ("fcn32s", "fcn16s", "fcn8s")),
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


def test_row02_dense_layers_become_convolutions(tmp_path: Path) -> None:
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
    photo = draw(224, 224)
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


def test_row03_the_classifier_is_a_grid() -> None:
    model = drawn("classifier vgg16 valid low")
    for side, cells in ((224, 1), (336, 4), (448, 8), (672, 15)):
        assert model.compute_output_shape((1, side, side, 3))[1:3] == (cells, cells)
    photo = draw(224, 672)
    one, other = model(photo[:, :, :-32]), model(photo[:, :, 32:])
    # Cells whose whole view is inside both photos.
    assert np.ptp(np.asarray(one)) > 1e-3
    np.testing.assert_allclose(
        np.asarray(one)[:, :, 4:11], np.asarray(other)[:, :, 3:10], rtol=1e-3, atol=1e-4
    )


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
def test_row04_frozen_kernels_are_bilinear(
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


def test_row04_kernels_have_the_papers_weights() -> None:
    assert triangle(4)[0].tolist() == [0.0625, 0.1875, 0.1875, 0.0625]
    assert triangle(3)[1].tolist() == [0.5, 1, 0.5]
    kernel = np.asarray(BilinearKernel()((4, 4, 3, 3)))
    assert np.array_equal(kernel[:, :, 1, 1], triangle(4))
    assert not kernel[:, :, 0, 1].any()
    with pytest.raises(ValueError, match="expected \\[k, k, C, C\\]"):
        BilinearKernel()((4, 4, 3, 2))


def test_row04_and_row05_only_learnable_upsampling_changes() -> None:
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
    photo = draw(64, 96)
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
def test_row06_skips_start_at_zero(upsampling: str) -> None:
    coarse = disturb_but_upsampling(build(tiny("fcn16s", upsampling=upsampling)))
    fine = build(tiny("fcn8s", upsampling=upsampling))
    assert "skip_stride8" in transfer(coarse, fine).new
    photo = draw(96, 128)
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
def test_row07_stages_hand_over_every_shared_tensor(geometry_name: str) -> None:
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


def test_row08_at_once_scales_the_skips_and_learns_from_the_first_step() -> None:
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
def test_row09_caffe_geometry(name: str, fused: tuple[int, int] | None) -> None:
    model = build(tiny(name, geometry="caffe"))
    photo = draw(500, 375)
    scores = keras.Model(model.input, model.get_layer("head_score").output)(photo)
    assert scores.shape[1:3] == (16, 12)
    if fused:
        last = "fuse_stride16" if name == "fcn16s" else "fuse_stride8"
        part = keras.Model(model.input, model.get_layer(last).output)(photo)
        assert part.shape[1:3] == fused
    for height, width in (*SIZES, (1, 1)):
        assert model(draw(height, width)).shape == (1, height, width, 3)


def test_row09_caffe_crops_put_a_cell_where_it_looked() -> None:
    """A cell's peak lies in the middle of what the network saw there."""
    spec = tiny("fcn32s", geometry="caffe")
    model = build(spec)
    upsample, crop = model.get_layer("upsample_final"), model.get_layer("crop_final")
    scores = np.zeros((1, 16, 12, 3), np.float32)
    scores[0, 5, 4] = 1
    pixels = np.asarray(crop([upsample(scores), draw(500, 375)]))[0, :, :, 0]
    rows, columns = np.nonzero(pixels == pixels.max())
    # fc6 cell j sees cells j..j+6 of 32 pixels, of a photo moved by 100 - 1 pixels
    # (the pools look half a pixel to the right of their first pixel each).
    for found, cell in ((rows.mean(), 5), (columns.mean(), 4)):
        centre = 32 * (cell + 3) + 15.5 - 99
        assert abs(found - centre) <= 2


def test_row11_unpooling_puts_each_maximum_back() -> None:
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
def test_row11_deconvnet_takes_any_size_and_says_which_is_too_small(name: str) -> None:
    model = build(tiny(name))
    assert model(draw(193, 230)).shape == (1, 193, 230, 3)
    with pytest.raises(ValueError, match="at least 193"):
        model(draw(192, 230))


@pytest.mark.parametrize(
    ("backbone", "stride"),
    [("resnet50", 8), ("resnet50", 16), ("resnet101", 8), ("vgg16", 8), ("vgg19", 16)],
)
def test_row12_dilated_networks_have_their_stride(backbone: str, stride: int) -> None:
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
def test_row12_dilation_computes_what_the_strides_did_and_more(stride: int) -> None:
    """Every cell of the strided ResNet is a cell of the dilated one, to rounding."""
    coarse = strided_resnet()
    fine = build(tiny("dilated", "resnet50", output_stride=stride))
    assert transfer(coarse, fine).new == ()
    photo = draw(75, 101)
    every = 32 // stride
    strided = np.asarray(coarse(photo))
    dilated = np.asarray(fine(photo))[:, ::every, ::every]
    assert np.ptp(strided) > 1e-3
    assert np.abs(strided - dilated).max() <= 1e-4 * np.abs(strided).max()


def test_row12_frozen_batch_norm_keeps_its_statistics() -> None:
    free, frozen = (build(tiny("dilated", "resnet50")) for _ in range(2))
    freeze_batch_norm(frozen)
    for model, changes in ((free, True), (frozen, False)):
        layer = model.get_layer("conv3_block1_1_bn")
        before = [np.asarray(variable).copy() for variable in layer.weights]
        model(draw(64, 64), training=True)
        same = [
            np.array_equal(a, np.asarray(b))
            for a, b in zip(before, layer.weights, strict=True)
        ]
        assert all(same) is not changes


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (129, 128)])
def test_row26_any_size_gives_a_class_map_of_that_size(size: tuple[int, int]) -> None:
    spec = tiny("fcn8s", "mobilenet_v2")
    model = disturb(build(spec))
    place = geometry.place(size, max_side=None, multiple=spec.size_multiple)
    padded = np.zeros((1, *place.padded, 3), np.float32)
    padded[:, : size[0], : size[1]] = draw(*size)
    found = class_maps.class_map(
        np.asarray(model(padded))[0],
        place,
        stride=spec.logits_stride,
        alignment=spec.alignment,
    )
    assert found.shape == size


def test_row28_each_preprocessing_has_its_own_golden_vector() -> None:
    image = np.array([[[[10.0, 120.0, 250.0]]]], np.float32)
    golden = {
        "caffe": [250 - 103.939, 120 - 116.779, 10 - 123.68],
        "rgb": [10 - 123.68, 120 - 116.779, 250 - 103.939],
        "tf": [10 / 127.5 - 1, 120 / 127.5 - 1, 250 / 127.5 - 1],
        "torch": [
            (10 / 255 - 0.485) / 0.229,
            (120 / 255 - 0.456) / 0.224,
            (250 / 255 - 0.406) / 0.225,
        ],
        "unit": [10 / 255, 120 / 255, 250 / 255],
        "raw": [10, 120, 250],
    }
    for mode, expected in golden.items():
        for other in golden:
            found = np.asarray(Preprocess(other)(image)).ravel()
            fits = bool(np.abs(found - expected).max() < 1e-4)
            assert fits is (mode == other), (mode, other)
    mean = (100.0, 110.0, 120.0)
    spec = tiny(preprocessing="rgb", rgb_mean=mean)
    layer = build(spec).get_layer("preprocess")
    assert np.asarray(layer(image)).ravel().tolist() == [-90, 10, 130]
    assert ModelSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_row28_preprocessing_equals_that_of_keras_applications() -> None:
    image = draw(5, 7)
    for mode, module in (
        ("caffe", keras.applications.vgg16),
        ("caffe", keras.applications.resnet),
        ("tf", keras.applications.mobilenet_v2),
        ("tf", keras.applications.xception),
        ("torch", keras.applications.densenet),
    ):
        expected = module.preprocess_input(image.copy())
        found = np.asarray(Preprocess(mode)(image))
        assert np.abs(found - expected).max() < 1e-4


def test_row29_each_stage_says_what_it_trains() -> None:
    model = build(tiny("fcn8s", upsampling="transposed", full_size=True))
    for layer in model.layers:
        if layer.name.startswith("block"):
            layer.trainable = False
    trained = {variable.path.split("/")[0] for variable in model.trainable_variables}
    assert trained == {
        "head_fc6",
        "head_fc7",
        "head_score",
        "skip_stride16",
        "skip_stride8",
    }


def test_row29_training_adds_penalties_and_leaves_bilinear_kernels_alone() -> None:
    class Squares:
        def weight(self, piece: Any) -> float:
            return 1.0

        def loss(self, logits: Any, piece: Any, *, total: Any, soft: Any) -> Any:
            return ops.mean(logits**2) / total

    strengths = (0.0, 0.1)
    losses = []
    for strength in strengths:
        model = build(tiny(upsampling="transposed", l2=strength))
        for layer in model.layers:  # one start for both, and no luck of the draw
            for variable in layer.trainable_weights:
                variable.assign(np.full(variable.shape, 1e-3))
        before = np.asarray(model.get_layer("upsample_stride16").kernel).copy()
        recipe = recipes.find_recipe("drawn")
        trainer = Trainer(model, recipe, Squares(), steps=1)  # type: ignore[arg-type]
        batch: Any = [(draw(32, 32),)]
        losses.append(trainer.run_epoch([batch], epoch=1, seed=0, label="test"))
        after = np.asarray(model.get_layer("upsample_stride16").kernel)
        assert np.array_equal(before, after)
    kernels = sum(
        np.prod(variable.shape)
        for variable in model.trainable_variables
        if variable.name == "kernel"
    )
    assert losses[1] - losses[0] == pytest.approx(0.1 * kernels * 1e-6, rel=1e-3)


def test_row29_l2_and_dropout() -> None:
    model = build(tiny("fcn8s", "resnet50", l2=1e-3, upsampling="transposed"))
    kernels = [
        np.asarray(variable)
        for variable in model.trainable_variables
        if "kernel" in variable.name
    ]
    expected = 1e-3 * sum((kernel.astype("f8") ** 2).sum() for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
    assert not build(tiny()).losses
    rates = {
        layer.rate
        for layer in build(tiny(dropout=0.3)).layers
        if isinstance(layer, keras.layers.Dropout)
    }
    assert rates == {0.3}
    assert build(tiny()).get_layer("head_dropout6").rate == 0.5
