"""Weight files fill the layers that they have, bit for bit, or say what is wrong."""

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fcn_core.models.build import build, layer_group
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import (
    WeightsError,
    tensors_of,
)
from fcn_core.models.weights.files import load_weights
from tests.drawn.tiny_networks import draw_floats, scramble, small_spec


def save(path: Path, tensors: dict[str, Any]) -> None:
    np.savez(path, **tensors)


def test_archive_round_trip(tmp_path: Path) -> None:
    spec = small_spec()
    source, target = scramble(build(spec)), build(spec)
    save(tmp_path / "w.npz", tensors_of(source))
    report = load_weights(target, spec, str(tmp_path / "w.npz"))
    assert report.new == ()
    photo = draw_floats(40, 56)
    assert np.array_equal(np.asarray(source(photo)), np.asarray(target(photo)))


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    spec = small_spec()
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
    with pytest.raises(WeightsError, match=r"existing \.npz, \.h5 or \.tflite"):
        load_weights(model, spec, str(tmp_path / "absent.npz"))
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(WeightsError, match="not a file of mobilenet_v2"):
        load_weights(model, spec, str(tmp_path / "text.h5"))
    assert all(np.array_equal(before[k], v) for k, v in tensors_of(model).items())


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
        build(small_spec("fcn32s", "vgg16"), "imagenet")
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
