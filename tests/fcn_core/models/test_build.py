"""Networks by name: sizes, geometry, counts, weights in and between them."""

import itertools
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fcn_core.geometry import valid_cells
from fcn_core.models.build import build, build_model, layer_group
from fcn_core.models.layers import BilinearUpsampling, Preprocess
from fcn_core.models.networks.ratings import pool_cells
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import (
    WeightsError,
    describe_weights,
    tensors_of,
    transfer,
)
from fcn_core.models.weights.files import load_weights

SIZES = ((500, 375), (333, 500), (33, 47), (1, 1))


def small(name: str = "fcn8s", backbone: str = "mobilenet_v2") -> ModelSpec:
    return ModelSpec(name=name, backbone=backbone, width=0.1, head_width=8, classes=3)


def draw(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 255, (1, height, width, 3)).astype(np.float32)


def save(path: Path, tensors: dict[str, Any]) -> None:
    np.savez(path, **tensors)


def disturb(model: keras.Model) -> keras.Model:
    """Random values everywhere, so that no accidental zero hides a path."""
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if variable.dtype == "float32":
            low, high = (0.5, 1.5) if "variance" in variable.name else (-0.3, 0.3)
            variable.assign(rng.uniform(low, high, variable.shape))
    return model


@pytest.mark.parametrize("backbone", ["vgg16", "mobilenet_v2"])
@pytest.mark.parametrize(
    ("name", "stride"),
    [
        ("fcn8s", 8),
        *(pytest.param(f"fcn{s}s", s, marks=pytest.mark.slow) for s in (16, 32)),
    ],
)
def test_logits_cover_any_size(name: str, stride: int, backbone: str) -> None:
    spec = small(name, backbone)
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
def test_skips_start_at_zero_exactly(backbone: str) -> None:
    coarse = disturb(build(small("fcn16s", backbone)))
    fine_spec = small("fcn8s", backbone)
    fine = build(fine_spec)
    report = transfer(coarse, fine)
    assert report.new == ("skip_stride8",)
    images = draw(75, 101)
    upsampled = BilinearUpsampling(2, fine_spec.alignment)(coarse(images))
    logits = fine(images)
    expected = upsampled[:, : logits.shape[1], : logits.shape[2]]
    assert np.array_equal(np.asarray(logits), np.asarray(expected))
    assert np.ptp(np.asarray(logits)) > 1e-3


def test_staged_transfer_is_bit_identical_and_names_what_is_new() -> None:
    stages = [build(small(name, "vgg16")) for name in ("fcn32s", "fcn16s", "fcn8s")]
    disturb(stages[0])
    for source, target in itertools.pairwise(stages):
        before = tensors_of(target)
        report = transfer(source, target)
        shared = tensors_of(source)
        for name, values in tensors_of(target).items():
            assert np.array_equal(values, shared.get(name, before[name])), name
        assert {name.split("/")[0] for name in before} - {
            name.split("/")[0] for name in shared
        } == set(report.new)


def test_transfer_to_other_classes_keeps_the_rest() -> None:
    source, target = (
        build(ModelSpec(backbone="mobilenet_v2", width=0.1, head_width=8, classes=n))
        for n in (21, 3)
    )
    disturb(source)
    report = transfer(source, target)
    assert set(report.new) == {"head_score", "skip_stride8"}
    assert np.array_equal(
        source.get_layer("head_local").kernel, target.get_layer("head_local").kernel
    )


def impulse_columns(alignment: str, factor: int) -> np.ndarray:
    z = np.zeros((1, 1, 5, 1), np.float32)
    z[0, 0, 2] = 1
    return np.asarray(BilinearUpsampling(factor, alignment)(z))[0, 0, :, 0]


@pytest.mark.parametrize("factor", [2, 3, 8])
@pytest.mark.parametrize("alignment", ["corner", "center"])
def test_upsampling_equals_its_definition(alignment: str, factor: int) -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2, 4, 5, 3)).astype(np.float32)
    shift = 0 if alignment == "corner" else (factor - 1) / 2
    grids = []
    for cells in (4, 5):
        position = np.clip((np.arange(cells * factor) - shift) / factor, 0, cells - 1)
        grids.append(np.maximum(0, 1 - np.abs(position[:, None] - np.arange(cells))))
    expected = np.einsum("yi,xj,bijc->byxc", *grids, z)
    upsampled = BilinearUpsampling(factor, alignment)(z)
    assert np.abs(np.asarray(upsampled) - expected).max() < 1e-6


def test_corner_upsampling_puts_a_logit_on_its_pixel_and_center_between() -> None:
    assert impulse_columns("corner", 4).argmax() == 8
    assert impulse_columns("corner", 4)[8] == 1.0
    center = impulse_columns("center", 4)
    assert np.flatnonzero(center == center.max()).tolist() == [9, 10]


@pytest.mark.parametrize("backbone", ["vgg16", "mobilenet_v2"])
def test_shifting_the_photo_by_a_stride_shifts_the_logits_by_one(backbone: str) -> None:
    # VGG needs a shift of its output stride; so does MobileNetV2 at 16.
    spec = small("fcn8s", backbone)
    model = disturb(build(spec))
    shift = spec.output_stride
    photo = draw(48, 1216)
    if backbone == "mobilenet_v2":
        # Its head sees the whole photo; without the pooled branch it is local.
        model.get_layer("head_project_context").kernel.assign(
            np.zeros(model.get_layer("head_project_context").kernel.shape)
        )
    one = np.asarray(model(photo[:, :, :-shift]))
    other = np.asarray(model(photo[:, :, shift:]))
    cells = shift // spec.logits_stride
    inside = slice(74, 78)  # Beyond the reach of either border.
    assert np.ptp(one[:, 2:4, inside]) > 1e-3
    moved = np.asarray(other[:, 2:4, inside.start - cells : inside.stop - cells])
    np.testing.assert_allclose(
        one[:, 2:4, inside], moved, rtol=1e-3, atol=1e-6 * np.abs(one).max()
    )


def test_preprocessing_by_hand() -> None:
    image = np.array([[[[0, 127.5, 255]]]], np.float32)
    assert np.asarray(Preprocess("tf")(image)).ravel().tolist() == [-1, 0, 1]
    caffe = np.asarray(Preprocess("caffe")(image)).ravel()
    assert caffe == pytest.approx([255 - 103.939, 127.5 - 116.779, -123.68], abs=1e-4)
    with pytest.raises(ValueError, match="expected one of tf, caffe"):
        Preprocess("pytorch")


def test_rating_cells_are_those_that_scoring_counts() -> None:
    spec = ModelSpec(
        task="aesthetics", name="rating", backbone="mobilenet_v2", classes=10, width=0.1
    )
    logits = np.random.default_rng(0).normal(size=(2, 4, 5, 10)).astype(np.float32)
    sizes = np.array([[64, 80], [33, 1]], np.int32)
    pooled = np.asarray(pool_cells(logits, sizes, spec=spec))
    cells = valid_cells(sizes, stride=16, alignment=spec.alignment)
    assert cells.tolist() == [[4, 5], [3, 1]]
    for one, values, (rows, columns) in zip(pooled, logits, cells, strict=True):
        assert one == pytest.approx(values[:rows, :columns].mean((0, 1)), abs=1e-6)


def test_rating_network_scores_cells_of_16_pixels() -> None:
    spec = ModelSpec(
        task="aesthetics", name="rating", backbone="mobilenet_v2", classes=10, width=0.1
    )
    model = build(spec)
    for height, width in SIZES:
        shape = model(np.zeros((1, height, width, 3), np.float32)).shape
        assert tuple(shape) == (1, -(-height // 16), -(-width // 16), 10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "fcn4s"}, "expected one of fcn8s, fcn16s, fcn32s"),
        ({"backbone": "vgg61"}, "expected one of vgg16, vgg19, mobilenet_v2"),
        ({"classes": 0}, "at least 1"),
        ({"output_stride": 8}, "expected one of"),
        ({"task": "segment"}, "expected one of segmentation, aesthetics"),
        ({"upsampling": "cubic"}, "expected one of bilinear, transposed, learnable"),
        ({"geometry": "wide"}, "expected one of same, caffe, valid"),
        ({"width": 0}, "expected above 0"),
        ({"colour": "red"}, "got unknown colour, expected only task, name"),
        ({"name": "fcn32s", "output_stride": 16}, "use a larger one"),
        ({"task": "aesthetics"}, "expected one of rating"),
    ],
)
def test_wrong_names_say_what_exists(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_model(**({"backbone": "mobilenet_v2"} | options))


def test_spec_survives_json() -> None:
    spec = small()
    assert ModelSpec.from_json(spec.to_json()) == spec
    with pytest.raises(ValueError, match=r"unknown \['depth'\]"):
        ModelSpec.from_json(spec.to_json() | {"depth": 3})
    with pytest.raises(ValueError, match=r"missing \['width'\]"):
        ModelSpec.from_json({k: v for k, v in spec.to_json().items() if k != "width"})


def test_groups_follow_names() -> None:
    model = build(small())
    groups = {layer.name: layer_group(layer.name) for layer in model.layers}
    assert groups["skip_stride8"] == "skip"
    assert groups["head_score"] == "head"
    assert groups["block_16_project_BN"] == "backbone"


def test_archive_round_trip(tmp_path: Path) -> None:
    spec = small()
    source, target = disturb(build(spec)), build(spec)
    save(tmp_path / "w.npz", tensors_of(source))
    report = load_weights(target, spec, str(tmp_path / "w.npz"))
    assert report.new == ()
    photo = draw(40, 56)
    assert np.array_equal(np.asarray(source(photo)), np.asarray(target(photo)))


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    spec = small()
    model = build(spec)
    before = tensors_of(model)
    path = tmp_path / "w.npz"
    save(path, {"semantic/kernel": np.zeros((1, 1, 8, 21), np.float32)})
    with pytest.raises(WeightsError, match="lacks head_score/bias"):
        load_weights(model, spec, str(path))
    save(
        path,
        {
            "semantic/kernel": np.zeros((1, 1, 8, 21), np.float32),
            "semantic/bias": np.zeros(21, np.float32),
        },
    )
    with pytest.raises(WeightsError, match=r"shape \(1, 1, 8, 21\)"):
        load_weights(model, spec, str(path))
    save(path, {"nothing": np.zeros(3, np.float32)})
    with pytest.raises(WeightsError, match="no layer name fits"):
        load_weights(model, spec, str(path))
    with pytest.raises(WeightsError, match=r"existing \.npz or \.h5"):
        load_weights(model, spec, str(tmp_path / "absent.npz"))
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(WeightsError, match="not a file of mobilenet_v2"):
        load_weights(model, spec, str(tmp_path / "text.h5"))
    assert all(np.array_equal(before[k], v) for k, v in tensors_of(model).items())


def test_weights_are_described_without_their_folder(tmp_path: Path) -> None:
    (tmp_path / "w.npz").write_bytes(b"abc")
    text = describe_weights(str(tmp_path / "w.npz"))
    assert text.startswith("w.npz sha256:ba7816bf")
    assert describe_weights("imagenet") == "imagenet"


def real_weights(name: str) -> str:
    folder = os.environ.get("FCN_WEIGHTS")
    if not folder or not (Path(folder) / name).is_file():
        pytest.skip(f"FCN_WEIGHTS is not a folder with {name}")
    return str(Path(folder) / name)


def test_deeplab_archive_fills_all_but_the_skip() -> None:
    source = real_weights("deeplab_mnv2_voc.npz")
    spec = ModelSpec(name="fcn8s", backbone="mobilenet_v2")
    model = build(spec)
    assert load_weights(model, spec, source).new == ("skip_stride8",)
    with np.load(source) as archive:
        kernel = archive["semantic/kernel"]
        assert np.array_equal(model.get_layer("head_score").kernel, kernel)
        assert len(archive.files) == len(tensors_of(model)) - 2


def test_weights_that_cannot_be_downloaded_are_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def offline(*args: Any, **options: Any) -> str:
        raise Exception("URL fetch failure:\nno network")  # as Keras raises it

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", offline)
    with pytest.raises(WeightsError, match="give the path of a file") as caught:
        build(small("fcn32s", "vgg16"), "imagenet")
    assert "of vgg16 (URL fetch failure: no network)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_keras_imagenet_file_fills_the_backbone_bit_for_bit() -> None:
    source = real_weights("mobilenet_v2_imagenet_notop.weights.h5")
    spec = ModelSpec(name="fcn8s", backbone="mobilenet_v2")
    model = build(spec)
    report = load_weights(model, spec, source)
    assert all(layer_group(name) != "backbone" for name in report.new)
    original = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(None, None, 3)
    )
    original.load_weights(source)
    for name in ("Conv1", "block_13_depthwise", "block_16_project"):
        assert np.array_equal(
            model.get_layer(name).kernel, original.get_layer(name).kernel
        )


def test_stride_32_network_equals_keras_where_padding_agrees() -> None:
    """Built for an odd size, Keras pads (1, 1) too: the features must be the same."""
    side = 65  # 65 -> 33 -> 17: odd at every stride-2 convolution up to block 2.
    original = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(side, side, 3), alpha=0.35
    )
    disturb(original)
    spec = ModelSpec(
        name="fcn32s", backbone="mobilenet_v2", width=0.35, head_width=8, classes=3
    )
    model = build(spec)
    for layer in model.layers:
        if layer_group(layer.name) == "backbone" and layer.weights:
            layer.set_weights(original.get_layer(layer.name).get_weights())
    feature = "block_2_add"
    photo = draw(side, side)
    ours = keras.Model(model.input, model.get_layer(feature).output)(photo)
    theirs = keras.Model(original.input, original.get_layer(feature).output)(
        photo / 127.5 - 1
    )
    difference = np.abs(np.asarray(ours) - np.asarray(theirs)).max()
    assert difference < 1e-4 * np.abs(np.asarray(theirs)).max()
