"""Runs: they learn, freeze, resume to the same numbers, and refuse what is wrong."""

import itertools
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from fcn_core import recipes
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import WeightsError, tensors_of
from fcn_core.recipes import ratings
from fcn_core.recipes import recipe as recipes_recipe
from fcn_core.records.dataset_info import COMPLETED_NAME, INFO_NAME, DatasetError
from fcn_core.training import train as training_train
from fcn_core.training.objectives.segmentation import SegmentationObjective
from fcn_core.training.run_folder import RunError, RunFolder, load_run
from fcn_core.training.session import Act, Part
from fcn_core.training.stages import Stage, blend
from fcn_core.training.start import measure_norms
from fcn_core.training.trainer import TrainingError
from pipelines.faults import UsageError
from pipelines.training.config import TrainConfig
from pipelines.training.core import core_errors_as_usage_errors
from tests.drawn import tiny_recipes, tiny_shards
from tests.drawn.tiny_recipes import RATING, SEGMENTATION, config

SMALL: dict[str, Any] = {
    "average": 0.5,
    "blend": 0.25,
    "colour": 0.5,
    "epochs": 2,
    "validation_split": "val",
}


TINY = replace(SEGMENTATION, optimizer="sgd", learning_rate=0.02)
"""Few operations a step: Adam's state is the concern of the trainer's own tests."""


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    """Tracing a step takes longer than running it a few times.

    Graphs are run by the tests of bundles, of the demo, and the slow ones.
    """
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_shards.drawn_data(tmp_path_factory.mktemp("data"), train=4, val=2)


@pytest.fixture(scope="module")
def done(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> training_train.RunResult:
    """A finished run that tests look at, and may not change."""
    with pytest.MonkeyPatch.context() as patch:
        tiny_recipes.use(patch, TINY)
        folder = tmp_path_factory.mktemp("done") / "run"
        return training_train.train(config(data, folder, **SMALL))


def kill_before(part: Part, epoch: int) -> Act:
    """A session that is killed before a part of its work."""

    def act(now: Part, number: int) -> None:
        if (now, number) == (part, epoch):
            raise KeyboardInterrupt

    return act


def weights_of(run: Path) -> dict[str, np.ndarray]:
    return tensors_of(load_run(run)[0])


def test_two_runs_of_one_seed_are_one_run(
    done: training_train.RunResult,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    same = training_train.train(config(data, tmp_path / "same", **SMALL))
    other = weights_of(same.folder)
    for name, values in weights_of(done.folder).items():
        assert np.array_equal(values, other[name]), name


def test_resumed_run_ends_with_the_same_numbers(
    done: training_train.RunResult,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    with pytest.raises(KeyboardInterrupt):
        training_train.train(
            config(data, tmp_path / "parts", **SMALL), act=kill_before("commit", 2)
        )
    with pytest.raises(RunError, match="stopped after epoch 1"):
        load_run(tmp_path / "parts")
    training_train.train(config(data, tmp_path / "parts", **SMALL, resume=True))
    other = weights_of(tmp_path / "parts")
    for name, values in weights_of(done.folder).items():
        np.testing.assert_allclose(values, other[name], atol=1e-6, err_msg=name)
    histories = [
        RunFolder.open(run).history() for run in (done.folder, tmp_path / "parts")
    ]
    for one, two in zip(*histories, strict=True):
        assert one["miou"] == pytest.approx(two["miou"], abs=1e-6)


def test_what_chooses_picks_the_best_epoch_and_blends_it(
    done: training_train.RunResult,
) -> None:
    run = RunFolder.open(done.folder)
    judged = [row["miou"] for row in run.history()]
    assert done.chosen_epoch == 1 + int(np.argmax(judged))
    final, spec, _ = load_run(done.folder)
    start, end = build(spec), build(spec)
    start.load_weights(run.weights_path(0))
    end.load_weights(run.weights_path(done.chosen_epoch))
    first, last = tensors_of(start), tensors_of(end)
    for name, value in tensors_of(final).items():
        expected = 0.75 * first[name] + 0.25 * last[name]
        np.testing.assert_allclose(value, expected, atol=1e-6, err_msg=name)
    assert any(np.abs(last[name] - first[name]).max() > 1e-3 for name in last)


def test_what_began_as_chance_is_not_blend(done: training_train.RunResult) -> None:
    run = RunFolder.open(done.folder)
    spec = run.record.settings.spec
    stage = Stage(replace(TINY, blend=0.25), spec, first=1, before=None)
    before = tensors_of(blend(run, stage, epoch=done.chosen_epoch))
    run.record.new_layers = ["head_score", "skip_stride8"]
    after = tensors_of(blend(run, stage, epoch=done.chosen_epoch))
    changed = {name for name in after if not np.array_equal(after[name], before[name])}
    assert changed == {"head_score/kernel", "head_score/bias"}
    end = build(spec)
    end.load_weights(run.weights_path(done.chosen_epoch))
    exact = tensors_of(end)["head_score/kernel"]
    np.testing.assert_allclose(after["head_score/kernel"], exact, atol=1e-6)


def test_a_run_shows_its_epochs(done: training_train.RunResult) -> None:
    row, _ = RunFolder.open(done.folder).history()
    assert {"loss", "miou", "iou_background", "images_per_second"} <= set(row)
    assert done.images_per_second > 0
    shown = event_accumulator.EventAccumulator(str(done.folder / "tensorboard"))
    shown.Reload()
    tags = shown.Tags()["tensors"]
    assert {"loss", "miou", "iou/background"} <= set(tags)
    assert len([tag for tag in tags if tag.startswith("masks/")]) == 2
    record = RunFolder.open(done.folder).record
    assert record.config.recipe == "tiny"
    assert {"fcn_core", "keras", "tensorflow", "pillow"} <= set(record.versions)
    assert record.device
    assert record.examples == 8  # four photos, twice
    assert record.settings.data_fingerprint


def test_run_folder_is_never_mixed(
    done: training_train.RunResult,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    with pytest.raises(RunError, match="not empty"):
        training_train.train(config(data, done.folder, **SMALL))
    again = SMALL | {"resume": True}
    with pytest.raises(RunError, match="started with seed 1, got 2"):
        training_train.train(config(data, done.folder, **again, seed=2))
    with pytest.raises(RunError, match=r"numbers\.average 0\.5, got 0\.9;"):
        training_train.train(config(data, done.folder, **again | {"average": 0.9}))
    with pytest.raises(RunError, match=r"without run\.json"):
        load_run(tmp_path)


def test_initial_weights_from_another_run(
    done: training_train.RunResult,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    second = training_train.train(
        config(
            data,
            tmp_path / "second",
            epochs=1,
            init=str(done.folder),
            freeze=["backbone", "head"],
        )
    )
    one, two = weights_of(done.folder), weights_of(second.folder)
    moved = {name for name in one if not np.array_equal(one[name], two[name])}
    assert {name.split("_")[0] for name in moved} == {"skip"}


def test_rating_recipe_runs_and_reports(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, RATING)
    result = training_train.train(
        config(data, tmp_path / "run", task="aesthetics", evaluation_split="val")
    )
    assert {"srcc", "srcc_blur", "monotone_noise", "above_strong"} <= set(
        result.metrics
    )
    assert -1 <= result.metrics["srcc"] <= 1
    events = event_accumulator.EventAccumulator(str(result.folder / "tensorboard"))
    events.Reload()
    final = tf.make_ndarray(events.Tensors("final/srcc")[0].tensor_proto)
    assert final == pytest.approx(result.metrics["srcc"], abs=1e-6)
    begun = build(RATING.model)
    begun.load_weights(RunFolder.open(result.folder).weights_path(0))
    assert tensors_of(begun)["head_norm/moving_mean"].any()  # of photos, not zeros


def test_norms_keep_the_signal_of_random_weights_alive() -> None:
    network = build(ModelSpec(backbone="mobilenet_v2", width=0.35, head_width=8))
    deepest = network.get_layer("block_16_project_BN")
    features = keras.Model(network.inputs, deepest.output)
    photos = np.random.default_rng(1).integers(0, 256, (4, 64, 64, 3), np.uint8)
    assert np.ptp(features(photos.astype("f4"))) < 1e-8
    measure_norms(network, iter([[(photos,)]]))
    seen = np.asarray(features(photos.astype("f4")))
    np.testing.assert_allclose(seen.mean(axis=(0, 1, 2)), 0, atol=0.05)
    np.testing.assert_allclose(seen.std(axis=(0, 1, 2)), 1, atol=0.05)
    assert deepest.momentum == 0.999


def test_loss_that_is_not_finite_stops(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    with pytest.raises(TrainingError, match="lower --learning_rate"):
        training_train.train(
            config(data, tmp_path / "run", epochs=9, learning_rate=1e30)
        )


def test_what_does_not_fit_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    with pytest.raises(ValueError, match=r"expected one of .*voc21"):
        training_train.train(config(data, tmp_path / "run", recipe="voc12"))
    with pytest.raises(ValueError, match="run `fcn train segmentation`"):
        training_train.train(config(data, tmp_path / "run", task="aesthetics"))
    with pytest.raises(WeightsError, match="pass --init"):
        training_train.train(config(data, tmp_path / "run", recipe="voc21"))
    with pytest.raises(DatasetError, match=r"of train, val, or none.*--evalua"):
        training_train.train(config(data, tmp_path / "run", evaluation_split="test"))
    with pytest.raises(recipes_recipe.RecipeError, match="leave one out"):
        frozen = ["head", "skip", "backbone"]
        training_train.train(config(data, tmp_path / "run", freeze=frozen))
    with pytest.raises(recipes_recipe.RecipeError, match="expected one of the two"):
        both = {"jaccard": 0.5, "class_weights": "median-frequency"}
        training_train.train(config(data, tmp_path / "run", **both))
    with pytest.raises(DatasetError, match="0 photos to choose the epoch with"):
        training_train.train(config(data, tmp_path / "run", holdout=1e-9))
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
    for train, measure, use, cure in (
        ("test", "train", "train on", "--protocol ava1 or ava2"),
        ("train", "test", "measure the model on", "--protocol ava1 or ava2"),
        ("train", "bare", "measure the model on", "another --evaluation_split"),
    ):
        asked = {"train_split": train, "evaluation_split": measure}
        with pytest.raises(DatasetError, match=f"0 photos to {use}, .*{cure}"):
            training_train.train(
                config(rated, tmp_path / "r", task="aesthetics", **asked)
            )
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
    with (
        pytest.raises(UsageError, match=f"{last.filename}: .*the trained weights are"),
        core_errors_as_usage_errors(),
    ):
        training_train.train(config(folder, tmp_path / "run", **asked))
    _, _, record = load_run(tmp_path / "run")
    assert (record.chosen_epoch, record.metrics) == (1, {})
    assert record.examples == 3  # a step of two, and the rest that is kept
    asked = {"epochs": 1, "resume": True}
    training_train.train(config(folder, tmp_path / "run", **asked))


def test_a_float16_run_resumes_with_its_scale_of_the_loss(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tiny_recipes.use(monkeypatch, TINY, precision="float16", soft_labels=0.8)
    caplog.set_level(logging.INFO)
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        training_train.train(config(data, folder, epochs=2), act=kill_before("step", 2))
    run = RunFolder.open(folder)
    with np.load(run.optimizer_path(1)) as saved:
        state = dict(saved)
    model = build(TINY.model)
    model.load_weights(run.weights_path(1))
    before = tensors_of(model)
    taken = int(state["loss-scale-good-steps"])
    assert np.isfinite(run.history()[0]["loss"])
    np.savez(run.optimizer_path(1), **(state | {"loss-scale": np.float32(64)}))
    training_train.train(config(data, folder, epochs=2, resume=True))
    with np.load(run.optimizer_path(2)) as resumed:
        assert resumed["loss-scale"] == 64
        assert resumed["loss-scale-good-steps"] == taken + 2
    model.load_weights(run.weights_path(2))
    after = tensors_of(model)
    assert {str(values.dtype) for values in after.values()} == {"float32"}
    assert any(np.abs(after[name] - before[name]).max() > 1e-4 for name in after)
    said = [text for text in caplog.messages if "hard labels alone" in text]
    assert len(said) == 2  # random weights teach nothing, in neither session


def test_unfinished_data_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    folder = tiny_shards.drawn_data(tmp_path, train=1, val=1)
    (folder / COMPLETED_NAME).unlink()
    with pytest.raises(DatasetError, match="without COMPLETED"):
        training_train.train(config(folder, tmp_path / "run"))


def test_every_recipe_is_complete_and_in_the_manual() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "training.md").read_text()
    for name, recipe in recipes.RECIPES.items():
        assert f"`{name}`" in manual or name.startswith("ava-fcn-"), name
        for part in recipe.parts():
            assert set(part.rates) <= {"backbone", "head", "skip"}
            assert not part.stages
            assert part.epochs > 0
        assert recipe.about
        assert recipe.notes
    assert all(name in recipes.RECIPES for name in ratings.FAMILIES["ava-fcn-all"])
    assert len(ratings.FAMILIES["ava-fcn-all"]) == 9


def test_help_names_every_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    families = {name: recipes.RECIPES[of[0]] for name, of in ratings.FAMILIES.items()}
    tasks = {name: row.task for name, row in {**recipes.RECIPES, **families}.items()}
    named = {name: task for task, of in recipes.names_by_task().items() for name in of}
    assert named == tasks
    with pytest.raises(SystemExit):
        TrainConfig.parse(["--help"])
    words = set(re.findall(r"[\w-]+", capsys.readouterr().out))
    assert set(named) <= words


@pytest.mark.slow
def test_every_recipe_builds_its_network() -> None:
    for name, recipe in recipes.RECIPES.items():
        with keras.StatelessScope(initialize_variables=False):  # no memory
            model = build(recipe.model)
        assert model.output.shape[-1] == recipe.model.channels, name


def test_splits_that_share_photos_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    drawn = tiny_shards.drawn_records(tmp_path / "tree", train=2, val=1)
    leaking = {"train": drawn["train"], "val": [*drawn["val"], drawn["train"][1]]}
    folder = tiny_shards.write_finished(tmp_path / "records", leaking)
    with pytest.raises(DatasetError, match=r"split val shares 1 photos .* 2007_0000"):
        training_train.train(config(folder, tmp_path / "run", evaluation_split="val"))
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
        with pytest.raises(recipes_recipe.RecipeError, match="cannot measure it"):
            training_train.train(config(data, tmp_path / "run", **asked))


def test_data_of_another_task_or_schema_is_refused_in_one_line(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, RATING, copies=0)
    with pytest.raises(
        recipes_recipe.RecipeError, match="data set for segmentation"
    ) as told:
        training_train.train(config(data, tmp_path / "run", task="aesthetics"))
    assert "\n" not in str(told.value)
    rated = tiny_shards.write_finished(
        tmp_path / "rated", {"train": tiny_shards.rated_records(2)}
    )
    info = rated / INFO_NAME
    info.write_text(
        info.read_text().replace('"schema_version": 1', '"schema_version": 9')
    )
    with pytest.raises(DatasetError, match="convert the data set again") as told_too:
        training_train.train(config(rated, tmp_path / "run", task="aesthetics"))
    assert "\n" not in str(told_too.value)


@pytest.mark.slow
def test_stages_go_on_from_each_other_and_resume_at_their_border(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = tuple(
        recipes_recipe.Stage(model=name, epochs=epochs, learning_rate=1e-3)
        for name, epochs in (("fcn32s", 1), ("fcn8s", 2))
    )
    tiny_recipes.use(monkeypatch, TINY, stages=stages)
    judged = itertools.cycle([0.9, 0.5, 0.4])  # another network's score cannot choose
    monkeypatch.setattr(
        SegmentationObjective, "scores", lambda *_: {"miou": next(judged)}
    )
    asked: dict[str, Any] = {"validation_split": "val", "batch_size": 4}
    whole = training_train.train(config(data, tmp_path / "whole", **asked))
    with pytest.raises(KeyboardInterrupt):
        training_train.train(
            config(data, tmp_path / "parts", **asked), act=kill_before("place", 2)
        )
    parts = training_train.train(config(data, tmp_path / "parts", **asked, resume=True))
    assert (whole.epochs, whole.chosen_epoch) == (3, 2)
    model, spec, _ = load_run(whole.folder)
    assert spec.name == "fcn8s"
    resumed = tensors_of(load_run(parts.folder)[0])
    for name, values in tensors_of(model).items():
        np.testing.assert_allclose(values, resumed[name], atol=1e-6, err_msg=name)
