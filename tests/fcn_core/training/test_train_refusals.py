"""Runs that cannot be what they are asked to be: refused in one line."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fcn_core.models.weights.assign import WeightsError
from fcn_core.recipes.recipe import RecipeError
from fcn_core.records.dataset_info import COMPLETED_NAME, INFO_NAME, DatasetError
from fcn_core.training.run_folder import RunError, load_run
from fcn_core.training.train import RunResult, train
from fcn_core.training.trainer import TrainingError
from tests.drawn import tiny_recipes, tiny_shards
from tests.drawn.tiny_recipes import RATING, config
from tests.drawn.tiny_runs import SMALL, TINY

pytestmark = pytest.mark.usefixtures("eager")


def test_run_folder_is_never_mixed(
    done: RunResult,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    with pytest.raises(RunError, match="not empty"):
        train(config(data, done.folder, **SMALL))
    again = SMALL | {"resume": True}
    with pytest.raises(RunError, match="started with seed 1, got 2"):
        train(config(data, done.folder, **again, seed=2))
    with pytest.raises(RunError, match=r"numbers\.average 0\.5, got 0\.9;"):
        train(config(data, done.folder, **again | {"average": 0.9}))
    with pytest.raises(RunError, match=r"without run\.json"):
        load_run(tmp_path)


def test_loss_that_is_not_finite_stops(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    with pytest.raises(TrainingError, match="lower --learning_rate"):
        train(config(data, tmp_path / "run", epochs=9, learning_rate=1e30))


def test_what_does_not_fit_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    with pytest.raises(ValueError, match=r"expected one of .*voc21"):
        train(config(data, tmp_path / "run", recipe="voc12"))
    with pytest.raises(ValueError, match="run `fcn train segmentation`"):
        train(config(data, tmp_path / "run", task="aesthetics"))
    with pytest.raises(WeightsError, match="pass --init"):
        train(config(data, tmp_path / "run", recipe="voc21"))
    with pytest.raises(DatasetError, match=r"of train, val, or none.*--evalua"):
        train(config(data, tmp_path / "run", evaluation_split="test"))
    with pytest.raises(RecipeError, match="leave one out"):
        frozen = ["head", "skip", "backbone"]
        train(config(data, tmp_path / "run", freeze=frozen))
    with pytest.raises(RecipeError, match="expected one of the two"):
        both = {"jaccard": 0.5, "class_weights": "median-frequency"}
        train(config(data, tmp_path / "run", **both))
    with pytest.raises(DatasetError, match="0 photos to choose the epoch with"):
        train(config(data, tmp_path / "run", holdout=1e-9))
    assert config(data, tmp_path, evaluation_split="none").evaluation_split is None
    assert not (tmp_path / "run").exists()


def test_recipes_for_labels_need_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = replace(RATING.model, classes=2)
    tiny_recipes.use(monkeypatch, RATING, model=model, copies=0)
    *labelled, without = tiny_shards.rated_records(3)
    folder = tmp_path / "rated"
    splits = {"train": labelled, "test": [without], "bare": []}
    rated = tiny_shards.write_finished(folder, splits)
    for teaching, measuring, use, cure in (
        ("test", "train", "train on", "--protocol ava1 or ava2"),
        ("train", "test", "measure the model on", "--protocol ava1 or ava2"),
        ("train", "bare", "measure the model on", "another --evaluation_split"),
    ):
        asked = {"train_split": teaching, "evaluation_split": measuring}
        with pytest.raises(DatasetError, match=f"0 photos to {use}, .*{cure}"):
            train(config(rated, tmp_path / "r", task="aesthetics", **asked))
    assert not (tmp_path / "r").exists()


def test_a_photo_that_cannot_be_measured_costs_figures_not_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    drawn = tiny_shards.drawn_records(tmp_path / "tree", train=3, val=1)
    (last,) = drawn["val"]
    broken = [replace(last, encoded=last.encoded[:300])]
    folder = tiny_shards.write_finished(tmp_path / "data", drawn | {"val": broken})
    asked: dict[str, Any] = {"epochs": 1, "evaluation_split": "val"}
    with pytest.raises(
        DatasetError, match=f"{last.filename}: .*the trained weights are"
    ) as refused:
        train(config(folder, tmp_path / "run", **asked))
    assert "\n" not in str(refused.value)
    _, _, record = load_run(tmp_path / "run")
    assert (record.chosen_epoch, record.metrics) == (1, {})
    assert record.examples == 3  # a step of two, and the rest that is kept
    asked = {"epochs": 1, "resume": True}
    train(config(folder, tmp_path / "run", **asked))


def test_unfinished_data_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    folder = tiny_shards.drawn_data(tmp_path, train=1, val=1)
    (folder / COMPLETED_NAME).unlink()
    with pytest.raises(DatasetError, match="without COMPLETED"):
        train(config(folder, tmp_path / "run"))


def test_splits_that_share_photos_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    drawn = tiny_shards.drawn_records(tmp_path / "tree", train=2, val=1)
    leaking = {"train": drawn["train"], "val": [*drawn["val"], drawn["train"][1]]}
    folder = tiny_shards.write_finished(tmp_path / "records", leaking)
    with pytest.raises(DatasetError, match=r"split val shares 1 photos .* 2007_0000"):
        train(config(folder, tmp_path / "run", evaluation_split="val"))
    assert not (tmp_path / "run").exists()


def test_what_measures_the_model_cannot_choose_the_epoch(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    for changes in (
        {"evaluation_split": "val"},
        {"holdout": 0.5},
        {"validation_split": "train"},
    ):
        asked = {"validation_split": "val", **changes}
        with pytest.raises(RecipeError, match="cannot measure it"):
            train(config(data, tmp_path / "run", **asked))


def test_data_of_another_task_or_schema_is_refused_in_one_line(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, RATING, copies=0)
    with pytest.raises(RecipeError, match="data set for segmentation") as told:
        train(config(data, tmp_path / "run", task="aesthetics"))
    assert "\n" not in str(told.value)
    rated = tiny_shards.write_finished(
        tmp_path / "rated", {"train": tiny_shards.rated_records(2)}
    )
    info = rated / INFO_NAME
    info.write_text(
        info.read_text().replace('"schema_version": 1', '"schema_version": 9')
    )
    with pytest.raises(DatasetError, match="convert the data set again") as told_too:
        train(config(rated, tmp_path / "run", task="aesthetics"))
    assert "\n" not in str(told_too.value)
