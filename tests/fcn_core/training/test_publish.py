"""A finished run becomes a bundle that scores like the model it came from."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fcn_core import scoring
from fcn_core.bundles import photo_list
from fcn_core.bundles.card import ModelError
from fcn_core.evaluation import keras_engine
from fcn_core.records.dataset_info import DatasetError
from fcn_core.records.source import Source
from fcn_core.scoring import arithmetic
from fcn_core.training import leaks, publish
from fcn_core.training import train as training_train
from fcn_core.training.initial_weights import open_initial
from fcn_core.training.run_folder import RunError, load_run
from fcn_core.training.settings import initial_of, resolved_recipe
from fcn_core.training.splits import splits_of
from fcn_core.training.train import RunResult
from tests.drawn import tiny_models, tiny_recipes, tiny_shards


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunResult]:
    root = tmp_path_factory.mktemp("run")
    data = tiny_shards.drawn_data(root, train=2, val=1)
    with pytest.MonkeyPatch.context() as patch:
        tiny_recipes.use(patch, tiny_recipes.SEGMENTATION)
        config = tiny_recipes.config(
            data, root / "run", epochs=1, evaluation_split="val"
        )
        yield training_train.train(config)


def test_bundle_scores_like_the_model(run: RunResult, tmp_path: Path) -> None:
    card = publish.export_run(run.folder, tmp_path / "bundle", name="mine")
    model, _, _ = load_run(run.folder)
    scorer = scoring.load_scorer(str(tmp_path / "bundle"), "openvino", "f32")
    photo = tiny_models.draw_pixels(128, 128)[None]
    sizes = np.array([[128, 128]], np.int32)
    expected = keras_engine.KerasEngine(model).logits(photo)
    assert scorer.score(photo, sizes)["logits"] == pytest.approx(expected, abs=1e-3)
    assert scorer.arithmetic == arithmetic.resolve_arithmetic("openvino", "f32")
    assert card.label == "mine@1"


def test_card_tells_the_whole_story(run: RunResult, tmp_path: Path) -> None:
    card = publish.export_run(run.folder, tmp_path / "bundle", version="3")
    assert card.label == "tiny@3"
    assert card.origin == "Every weight: its own training, from random ones."
    assert card.notes.startswith("Finds the 20 object classes of Pascal VOC;")
    assert "Weakest classes (IoU on val, 1 photos): " in card.notes
    assert card.classes is not None
    assert len(card.classes) == 21
    assert card.padding_value == tiny_recipes.SEGMENTATION.padding_value
    assert card.max_side == 64
    assert {m.name for m in card.metrics} >= {"miou", "pixel_accuracy"}
    assert {(m.split, m.images) for m in card.metrics} == {("val", 1)}
    command = str(card.training["command"])
    assert command.startswith("fcn train segmentation --recipe tiny --data DATA")
    assert str(tmp_path.parent) not in card.model_dump_json()
    assert {"keras", "tensorflow", "fcn_core"} <= set(card.versions)


def test_bundle_lists_what_it_learned_from(run: RunResult, tmp_path: Path) -> None:
    data = load_run(run.folder)[2].config.data
    train, val = (Source(folder=data, split=split) for split in ("train", "val"))
    learned = photo_list.photos_of(train.records())
    bundle = tmp_path / "bundle"
    card = publish.export_run(run.folder, bundle)
    found = photo_list.read_verified(bundle, card)
    assert found is not None
    assert found.tolist() == learned.tolist()
    assert len(found) == 2
    again = publish.export_run(run.folder, tmp_path / "again")
    assert again.files[photo_list.PHOTOS_NAME] == card.files[photo_list.PHOTOS_NAME]
    assert again.fingerprint == card.fingerprint
    for init in (bundle, run.folder):  # who goes on from it has seen these as well
        both = leaks.learned_photos(val, open_initial(str(init)))
        assert set(both) == {*learned, *photo_list.photos_of(val.records())}
        onwards = tiny_recipes.config(
            data,
            tmp_path / "next",
            init=str(init),
            train_split="val",
            evaluation_split="train",
        )
        recipe = resolved_recipe(onwards)
        initial = initial_of(onwards, recipe)
        with pytest.raises(DatasetError, match=r"2 photos .* initial weights had"):
            splits_of(onwards, recipe, initial=initial)
        allowed = onwards.model_copy(update={"allow_leak": True})
        splits = splits_of(allowed, recipe, initial=initial)
        assert set(splits.learned) == set(both)


def test_wrong_folders_are_refused(run: RunResult, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"without run\.json"):
        publish.export_run(tmp_path, tmp_path / "bundle")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("")
    with pytest.raises(ModelError, match="not empty"):
        publish.export_run(run.folder, tmp_path / "taken")
