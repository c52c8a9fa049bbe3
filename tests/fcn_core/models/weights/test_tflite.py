"""DeepLab-v3 from TensorFlow Lite: what its integers stand for, in our layers."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

from fcn_core.models.build import build
from fcn_core.models.imported.layouts import read_trained
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import WeightsError, tensors_of
from fcn_core.models.weights.files import archive_tensors, load_weights
from fcn_core.models.weights.tflite import dequantise, read_deeplab
from tests.drawn.tflite_files import save_deeplab
from tests.drawn.tiny_networks import draw_floats
from tests.drawn.trained_files import deeplab_network


@pytest.mark.parametrize("per_channel", [False, True])
def test_every_tensor_is_what_its_integers_stand_for(
    tmp_path: Path, per_channel: bool
) -> None:
    path, drawn = tmp_path / "deeplab.tflite", tensors_of(deeplab_network())
    expected = save_deeplab(path, drawn, per_channel=per_channel)
    got = read_deeplab(path)
    folded = {n for n in got if n.endswith(("gamma", "moving_mean", "moving_variance"))}
    assert set(got) - folded == set(expected)
    for name, values in expected.items():
        assert np.array_equal(got[name], values), name
        assert got[name].dtype == np.float32
    trained = read_trained(path)
    assert trained.layout == "deeplab"
    assert trained.spec.name == "fcn16s"
    # Every tensor has a place, and every place a tensor.
    assert set(tensors_of(trained.build(path.name))) == set(got)


def test_batch_normalisation_that_is_folded_only_adds(tmp_path: Path) -> None:
    path = tmp_path / "deeplab.tflite"
    save_deeplab(path, tensors_of(deeplab_network()), per_channel=False)
    model = read_trained(path).build(path.name)
    photo = draw_floats(64, 64)
    first = keras.Model(model.input, model.get_layer("bn_Conv1").output)
    before = keras.Model(model.input, model.get_layer("Conv1").output)
    beta = read_deeplab(path)["bn_Conv1/beta"]
    assert np.asarray(first(photo)) == pytest.approx(
        np.asarray(before(photo)) + beta, abs=1e-5
    )


def test_training_starts_from_the_file_itself(tmp_path: Path) -> None:
    path = tmp_path / "deeplab.tflite"
    save_deeplab(path, tensors_of(deeplab_network()), per_channel=False)
    spec = ModelSpec(name="fcn8s", backbone="mobilenet_v2", classes=5, head_width=6)
    model = build(spec)
    report = load_weights(model, spec, str(path))
    got, expected = tensors_of(model), read_deeplab(path)
    assert all(np.array_equal(got[name], values) for name, values in expected.items())
    assert all("skip" in layer for layer in report.new)


def test_the_value_of_an_integer() -> None:
    values = np.array([[0, 7], [8, 255]], np.uint8)
    scale, zero = np.array([0.5], np.float32), np.array([7])
    got = dequantise(values, scale=scale, zero_point=zero, axis=0)
    assert got.tolist() == [[-3.5, 0], [0.5, 124]]
    scale, zero = np.array([0.5, 2], np.float32), np.array([0, 7])
    got = dequantise(values, scale=scale, zero_point=zero, axis=1)
    assert got.tolist() == [[0, 0], [4, 496]]


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.999])
def test_a_damaged_file_is_one_line(tmp_path: Path, part: float) -> None:
    path = tmp_path / "deeplab.tflite"
    save_deeplab(path, tensors_of(deeplab_network()), per_channel=False)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(WeightsError, match="not readable as DeepLab-v3") as caught:
        read_deeplab(path)
    assert "\n" not in str(caught.value)


def test_the_published_file_is_the_archive() -> None:
    folder = Path(os.environ.get("FCN_WEIGHTS") or "")
    path = folder / "deeplabv3_mnv2_pascal_quant.tflite"
    archive = folder / "deeplab_mnv2_voc.npz"
    if not path.is_file() or not archive.is_file():
        pytest.skip("FCN_WEIGHTS is not a folder with DeepLab's two files")
    got, expected = read_deeplab(path), archive_tensors(archive)
    assert set(got) == set(expected)
    for name, values in expected.items():
        assert got[name] == pytest.approx(values, abs=1e-6), name
