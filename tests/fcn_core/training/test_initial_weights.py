"""Initial weights: five kinds, each loads, has a name, an origin and known photos."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fcn_core.bundles import find, photo_list
from fcn_core.bundles.card import ModelError
from fcn_core.labels import VOC_CLASSES
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import WeightReport, WeightsError, tensors_of
from fcn_core.records.source import Source
from fcn_core.training import initial_weights, publish, train
from fcn_core.training.initial_weights import (
    EVERY_LAYER,
    Bundle,
    File,
    ImageNet,
    Random,
    Run,
    flag_of,
    open_initial,
    started_from,
)
from fcn_core.training.run_folder import RunError, RunFolder, load_run
from tests.drawn import tiny_recipes, tiny_shards
from tests.drawn.tiny_runs import draw_record

SPEC = tiny_recipes.SEGMENTATION.model
SCORED = {"head_score", "skip_stride16", "skip_stride8"}
"""Layers that score classes."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("run")
    data = tiny_shards.drawn_data(root, train=2, val=1)
    tf.config.run_functions_eagerly(True)
    with pytest.MonkeyPatch.context() as patch:
        tiny_recipes.use(patch, tiny_recipes.SEGMENTATION)
        train.train(tiny_recipes.config(data, root / "first", epochs=1))
        tf.config.run_functions_eagerly(False)
        yield root / "first"


def learned(run: Path) -> list[int]:
    data = load_run(run)[2].config.data
    source = Source(folder=data, split="train")
    return photo_list.photos_of(source.records()).tolist()


def assert_loads(text: str, expected: keras.Model) -> None:
    """Every weight, for the same classes; no score, for others."""
    for classes, new in ((list(VOC_CLASSES), set()), (["a"] * 21, SCORED)):
        keras.utils.set_random_seed(9)
        model = build(SPEC)
        report = open_initial(text).load(model, SPEC, classes)
        assert set(report.new) == new
        theirs = tensors_of(expected)
        for name, values in tensors_of(model).items():
            if name.split("/")[0] not in new:
                assert np.array_equal(values, theirs[name]), name


def test_random_weights_are_all_new() -> None:
    initial = open_initial("random")
    assert initial == Random()
    model = build(SPEC)
    before = tensors_of(model)
    report = initial.load(model, SPEC, None)
    assert report == WeightReport(loaded=(), new=(EVERY_LAYER,))
    assert all(np.array_equal(before[k], v) for k, v in tensors_of(model).items())
    assert initial.describe() == "random"
    assert initial.origin(SPEC).words == ""
    assert initial.photos() is None


def test_imagenet_s_origin_is_that_of_the_backbone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        initial_weights, "load_weights", lambda *call: asked.append(call)
    )
    initial = open_initial("imagenet")
    assert initial == ImageNet()
    model = build(SPEC)
    initial.load(model, SPEC, None)
    assert asked == [(model, SPEC, "imagenet")]  # Keras would download them
    assert initial.describe() == "imagenet"
    assert initial.photos() is None
    origin = initial.origin(ModelSpec(backbone="vgg16"))
    assert origin.words == (
        "VGG16 trained on ImageNet, the weights of keras.applications (CC-BY-4.0)"
    )
    assert origin.licence == "CC-BY-4.0"
    spec = ModelSpec(task="aesthetics", name="classifier", backbone="xception")
    assert initial.origin(spec).licence == "as keras.applications states it"


def test_a_run_gives_its_chosen_weights_and_its_photos(
    run: Path, tmp_path: Path
) -> None:
    initial = open_initial(str(run))
    assert initial == Run(run)
    assert_loads(str(run), load_run(run)[0])
    assert initial.describe() == "first"
    words = "a run of tiny that started from random weights"
    assert initial.origin(SPEC).words == words
    photos = initial.photos()
    assert photos is not None
    assert photos.tolist() == learned(run)
    unfinished = RunFolder.create(tmp_path / "unfinished", draw_record()).folder
    with pytest.raises(RunError, match="stopped after epoch 0"):
        open_initial(str(unfinished)).load(build(SPEC), SPEC, None)


def test_a_bundle_gives_the_weights_and_photos_of_its_run(
    run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    card = publish.export_run(run, folder, name="mine")
    initial = open_initial(str(folder))
    assert initial == Bundle(str(folder))
    assert_loads(str(folder), load_run(run)[0])
    assert initial.describe() == f"mine@1 {card.fingerprint[:16]}"
    assert initial.origin(SPEC).words == f'whose origin is "{card.origin}"'
    photos = initial.photos()
    assert photos is not None
    assert photos.tolist() == learned(run)
    (folder / photo_list.PHOTOS_NAME).write_bytes(b"x" * 8)
    with pytest.raises(ModelError, match=photo_list.PHOTOS_NAME):
        initial.photos()


def test_a_built_in_model_is_a_bundle() -> None:
    initial = open_initial("voc21")
    assert initial == Bundle("voc21")
    card = find.card_of("voc21")
    assert initial.describe() == f"{card.label} {card.fingerprint[:16]}"
    assert initial.origin(SPEC).licence == card.licence


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    model = build(SPEC)
    path = tmp_path / "mine.npz"
    tensors: Any = tensors_of(model)
    np.savez(path, **tensors)
    initial = open_initial(str(path))
    assert initial == File(str(path))
    other = build(SPEC)
    assert initial.load(other, SPEC, None).new == ()
    for name, values in tensors_of(other).items():
        assert np.array_equal(values, tensors[name]), name
    assert initial.describe().startswith("mine.npz sha256:")
    assert initial.photos() is None
    origin = initial.origin(SPEC)
    assert origin.words == "weights whose origin is not recorded"
    assert origin.licence == "that of mine.npz"
    absent = open_initial(str(tmp_path / "absent.npz"))
    assert absent.describe() == "absent.npz"
    with pytest.raises(WeightsError, match=r"existing \.npz, \.h5 or \.tflite"):
        absent.load(model, SPEC, None)


def test_what_a_run_noted_is_read_again(run: Path, tmp_path: Path) -> None:
    """For its card and for the command that repeats it."""
    ours = Random().origin(SPEC)
    for described, given, name, flag in (
        ("random", "", "random", "random"),
        ("imagenet", "imagenet", None, "imagenet"),
        ("first", str(run), "first", "INIT"),
        ("mine@1 0123456789abcdef", str(tmp_path), "mine@1", "INIT"),
        (
            open_initial("voc21").describe(),
            "voc21",
            find.card_of("voc21").label,
            "voc21",
        ),
        ("w.npz sha256:" + 64 * "a", "/far/w.npz", "w.npz", "w.npz"),
    ):
        expected = ours.words if name is None else f"{name}, {ours.words}"
        assert started_from(described, ours) == expected
        assert flag_of(described, given) == flag
