"""Networks of others from their files: every tensor in its place, and no other."""

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fcn_core import images, scoring
from fcn_core.evaluation import keras_engine
from fcn_core.export import draft_card
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.models.imported.layouts import TrainedNetwork, read_trained
from fcn_core.models.weights.assign import WeightsError, tensors_of
from tests.drawn.tiny_networks import draw_floats
from tests.drawn.trained_files import (
    draw_fcn,
    nima_network,
    save_deeplab,
    write_keras2_file,
    write_nima,
)


@pytest.mark.parametrize("name", ["fcn32s", "fcn16s", "fcn8s"])
def test_a_keras_fcn_file_becomes_its_network(name: str, tmp_path: Path) -> None:
    source = draw_fcn(name, upsampling="transposed")
    names = {
        "head_fc6": "conv6",
        "head_fc7": "conv7",
        "head_score": "score7",
        "upsample_stride16": "score7_upsample",
        "skip_stride16": "score4",
        "upsample_stride8": "skip4_upsample",
        "skip_stride8": "score3",
        "upsample_final": name.removesuffix("s"),
    }
    write_keras2_file(
        tmp_path / "weights.h5",
        {
            names.get(layer.name, layer.name): {
                variable.name: np.asarray(variable) for variable in layer.weights
            }
            for layer in source.layers
            if layer.weights
        },
    )
    trained = read_trained(tmp_path / "weights.h5")
    assert (trained.layout, trained.spec.name) == ("keras-fcn", name)
    photo = draw_floats(64, 96)
    model = trained.build("weights.h5")
    assert np.array_equal(np.asarray(model(photo)), np.asarray(source(photo)))


def test_a_nima_file_becomes_a_map_of_ratings(tmp_path: Path) -> None:
    source = nima_network()
    write_nima(tmp_path / "nima.hdf5", source)
    trained = read_trained(tmp_path / "nima.hdf5")
    assert trained.layout == "nima"
    assert trained.spec.rating_bins == tuple(range(1, 11))
    model = trained.build("nima.hdf5")
    photo = draw_floats(224, 224)
    logits = np.asarray(model(photo))
    assert logits.shape == (1, 7, 7, 10)
    pooled = logits.mean((1, 2))
    shares = np.exp(pooled - pooled.max())
    expected = np.asarray(source(photo / 127.5 - 1))
    assert shares / shares.sum() == pytest.approx(expected, abs=1e-5)
    assert np.ptp(expected) > 1e-2
    assert model(draw_floats(333, 500)).shape == (1, 11, 16, 10)


def test_a_nima_file_with_a_stranger_in_it_is_refused(tmp_path: Path) -> None:
    network = nima_network()
    write_nima(tmp_path / "nima.hdf5", network)
    trained = read_trained(tmp_path / "nima.hdf5")
    more = {**trained.tensors, "conv_extra/kernel": np.zeros(3, np.float32)}
    with pytest.raises(WeightsError, match=r"1 tensors have no place \(conv_extra"):
        TrainedNetwork(**(vars(trained) | {"tensors": more})).build("nima.hdf5")


def test_files_of_no_known_layout_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(WeightsError, match="not readable as HDF5"):
        read_trained(tmp_path / "text.h5")
    write_keras2_file(tmp_path / "w.h5", {"conv": {"kernel": np.zeros(3, np.float32)}})
    with pytest.raises(WeightsError, match="no trained network is known"):
        read_trained(tmp_path / "w.h5")
    arrays: dict[str, Any] = {"conv/kernel": np.zeros(3)}
    np.savez(tmp_path / "w.npz", **arrays)
    with pytest.raises(WeightsError, match="no trained network is known"):
        read_trained(tmp_path / "w.npz")


def test_archives_that_are_none_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "text.npz").write_text("no weights")
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    save_deeplab(tmp_path / "cut.npz")
    whole = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("empty", "text", "array", "cut"):
        with pytest.raises(WeightsError, match=f"{name}.npz: not readable") as caught:
            read_trained(tmp_path / f"{name}.npz")
        assert "\n" not in str(caught.value)


def test_a_deeplab_archive_becomes_its_network(tmp_path: Path) -> None:
    source = save_deeplab(tmp_path / "w.npz")
    trained = read_trained(tmp_path / "w.npz")
    assert trained.layout == "deeplab"
    scores = keras.Model(source.input, source.get_layer("head_score").output)
    photo = draw_floats(65, 97)
    assert np.array_equal(trained.build("w.npz")(photo), scores(photo))
    for name, message in (
        ("semantic/bias", "head_score/bias is missing"),
        ("proj_pool/kernel", r"1 are missing \(head_project_context/kernel"),
    ):
        save_deeplab(tmp_path / "less.npz", without=name)
        with pytest.raises(WeightsError, match=message):
            read_trained(tmp_path / "less.npz").build("less.npz")


def weights_file(name: str) -> Path:
    folder = os.environ.get("FCN_WEIGHTS")
    path = Path(folder or "") / name
    if not folder or not path.is_file():
        pytest.skip(f"FCN_WEIGHTS is not a folder with {name}")
    return path


def test_deeplabs_archive_is_a_whole_network() -> None:
    path = weights_file("deeplab_mnv2_voc.npz")
    trained = read_trained(path)
    model = trained.build(path.name)
    assert set(tensors_of(model)) == set(trained.tensors)
    assert model(draw_floats(65, 97)).shape == (1, 5, 7, 21)


def test_deeplabs_archive_finds_what_is_on_photos() -> None:
    """Imported as it is, on the first photos of VOC's list of val."""
    path = weights_file("deeplab_mnv2_voc.npz")
    root = os.environ.get("FCN_VOC_ROOT")
    if not root:
        pytest.skip("FCN_VOC_ROOT is not set")
    trained = read_trained(path)
    card = draft_card.draft_card(
        trained.spec,
        name="deeplab",
        classes=trained.classes,
        padding_value=trained.padding_value,
        max_side=trained.max_side,
    )
    model = trained.build(path.name)
    scorer = scoring.PhotoScorer([keras_engine.scorer_of(model, card)])
    confusion = ConfusionMatrix.zero(21)
    names = (Path(root) / "ImageSets/Segmentation/val.txt").read_text().split()
    for name in names[:12]:
        photo = (Path(root) / f"JPEGImages/{name}.jpg").read_bytes()
        mask = scorer.score_photo(photo).mask_png or b""
        truth = (Path(root) / f"SegmentationClass/{name}.png").read_bytes()
        confusion += ConfusionMatrix.of(
            images.decode_mask(truth), images.decode_mask(mask), classes=21
        )
    assert confusion.result().pixel_accuracy > 0.85
    assert confusion.result().miou > 0.5
