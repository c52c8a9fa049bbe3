"""Runs: they learn, freeze, resume to the same numbers, and refuse what is wrong."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator

from fcn_core import recipes, training
from fcn_core.dataset_info import COMPLETED_NAME, INFO_NAME, DatasetError
from fcn_core.models import ModelSpec, WeightsError, build
from fcn_core.models.weights import tensors_of
from fcn_core.run_folder import RunError, RunFolder, load_run
from fcn_core.trainer import Trainer, TrainingError
from tests import tiny_recipes, tiny_shards
from tests.tiny_recipes import RATING, SEGMENTATION, config


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_shards.drawn_data(tmp_path_factory.mktemp("data"), train=4, val=2)


def test_overfits_two_drawn_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = tiny_shards.drawn_records(tmp_path / "tree", train=2, val=1)
    often = {"train": drawn["train"] * 20, "val": drawn["train"]}
    two = tiny_shards.write_finished(tmp_path / "records", often)
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    result = training.train(
        config(two, tmp_path / "run", epochs=4, evaluation_split="val", allow_leak=True)
    )
    assert result.metrics["pixel_accuracy"] > 0.95
    history = RunFolder.open(result.folder).history()
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[-1]["loss"] < history[0]["loss"] / 10


def test_resumed_run_ends_with_the_same_numbers(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    whole = training.train(config(data, tmp_path / "whole", epochs=3))
    last_save = training._finish_epoch

    def killed(
        run: RunFolder,
        model: keras.Model,
        trainer: Trainer,
        row: dict[str, float],
        *,
        judge: str,
    ) -> None:
        if row["epoch"] == 2:
            raise KeyboardInterrupt
        last_save(run, model, trainer, row, judge=judge)

    monkeypatch.setattr(training, "_finish_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        training.train(config(data, tmp_path / "parts", epochs=3))
    monkeypatch.setattr(training, "_finish_epoch", last_save)
    with pytest.raises(RunError, match="stopped after epoch 1"):
        load_run(tmp_path / "parts")
    parts = training.train(config(data, tmp_path / "parts", epochs=3, resume=True))
    one, other = (tensors_of(load_run(run.folder)[0]) for run in (whole, parts))
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], atol=1e-6, err_msg=name)


def test_holdout_picks_the_best_epoch(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    result = training.train(config(data, tmp_path / "run", holdout=0.6, epochs=3))
    judged = [row["miou"] for row in RunFolder.open(result.folder).history()]
    assert result.chosen_epoch == 1 + int(np.argmax(judged))
    assert RunFolder.open(result.folder).weights_path(result.chosen_epoch).is_file()


def test_frozen_group_and_norms_do_not_move(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(
        monkeypatch,
        SEGMENTATION,
        model=ModelSpec(backbone="mobilenet_v2", width=0.1, head_width=8),
        rates={"backbone": 0.0, "head": 0.0, "skip": 1.0},
    )
    result = training.train(config(data, tmp_path / "run", epochs=1))
    model, spec, _ = load_run(result.folder)
    before = build(spec)
    before.load_weights(RunFolder.open(result.folder).weights_path(0))
    start = tensors_of(before)
    moved = {
        name
        for name, value in tensors_of(model).items()
        if not np.array_equal(value, start[name])
    }
    assert moved == {"skip_stride8/kernel", "skip_stride8/bias"}


def test_slower_group_moves_less(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(
        monkeypatch,
        SEGMENTATION,
        weight_decay=0.0,
        decay_power=0.0,
        rates={"backbone": 0.01, "head": 1.0, "skip": 1.0},
    )
    result = training.train(config(data, tmp_path / "run", epochs=1))
    model, spec, _ = load_run(result.folder)
    before = build(spec)
    before.load_weights(RunFolder.open(result.folder).weights_path(0))
    start, end = tensors_of(before), tensors_of(model)
    moved = {name: np.abs(end[name] - start[name]).max() for name in end}
    # Two Adam steps move a weight by at most about twice the rate.
    assert 0 < moved["block3_conv1/kernel"] < 2.5 * 2e-5
    assert moved["head_fc7/kernel"] > 1e-3


def test_final_weights_are_blended_with_the_initial_ones(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION, blend=0.25)
    result = training.train(config(data, tmp_path / "run", epochs=1))
    run = RunFolder.open(result.folder)
    final, spec, _ = load_run(result.folder)
    start, end = build(spec), build(spec)
    start.load_weights(run.weights_path(0))
    end.load_weights(run.weights_path(1))
    for name, value in tensors_of(final).items():
        expected = 0.75 * tensors_of(start)[name] + 0.25 * tensors_of(end)[name]
        np.testing.assert_allclose(value, expected, atol=1e-6, err_msg=name)


def test_rating_recipe_runs_and_reports(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, RATING)
    result = training.train(
        config(data, tmp_path / "run", task="aesthetics", evaluation_split="val")
    )
    assert {"srcc", "srcc_blur", "monotone_noise", "above_strong"} <= set(
        result.metrics
    )
    assert -1 <= result.metrics["srcc"] <= 1


def test_initial_weights_from_another_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    first = training.train(config(data, tmp_path / "first", epochs=1))
    tiny_recipes.use(
        monkeypatch, SEGMENTATION, rates={"backbone": 0.0, "head": 0.0, "skip": 1.0}
    )
    second = training.train(
        config(data, tmp_path / "second", epochs=1, init=str(first.folder))
    )
    one, two = (load_run(run.folder)[0] for run in (first, second))
    assert np.array_equal(
        one.get_layer("head_fc6").kernel, two.get_layer("head_fc6").kernel
    )


def test_run_folder_is_never_mixed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    training.train(config(data, tmp_path / "run", epochs=1))
    with pytest.raises(RunError, match="not empty"):
        training.train(config(data, tmp_path / "run", epochs=1))
    with pytest.raises(RunError, match="started with seed 1, got 2"):
        training.train(config(data, tmp_path / "run", epochs=1, seed=2, resume=True))
    with pytest.raises(RunError, match=r"without run\.json"):
        load_run(tmp_path)


def test_loss_that_is_not_finite_stops(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    with pytest.raises(TrainingError, match="lower --learning_rate"):
        training.train(config(data, tmp_path / "run", epochs=9, learning_rate=1e30))


def test_what_does_not_fit_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    with pytest.raises(ValueError, match=r"expected one of .*voc21"):
        training.train(config(data, tmp_path / "run", recipe="voc12"))
    with pytest.raises(ValueError, match="run `fcn train segmentation`"):
        training.train(config(data, tmp_path / "run", task="aesthetics"))
    with pytest.raises(WeightsError, match="pass --init"):
        training.train(config(data, tmp_path / "run", recipe="voc21"))
    with pytest.raises(DatasetError, match="expected one of"):
        training.train(config(data, tmp_path / "run", evaluation_split="test"))
    assert not (tmp_path / "run").exists()


def test_unfinished_data_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    folder = tiny_shards.drawn_data(tmp_path, train=1, val=1)
    (folder / COMPLETED_NAME).unlink()
    with pytest.raises(DatasetError, match="without COMPLETED"):
        training.train(config(folder, tmp_path / "run"))


def test_every_recipe_builds_its_network() -> None:
    built = set()
    for name, recipe in recipes.RECIPES.items():
        network = (recipe.model.name, recipe.model.backbone, recipe.model.classes)
        large = recipe.model.backbone in ("vgg16", "resnet101")  # by the model tests
        if not large and network not in built:
            built.add(network)
            model = build(recipe.model)
            assert model.output.shape[-1] == recipe.model.channels, name
        for part in recipe.parts():
            assert set(part.rates) <= {"backbone", "head", "skip"}
            assert part.total_epochs == part.epochs
        assert recipe.about
        assert recipe.notes
        assert recipe.licence
    assert all(name in recipes.RECIPES for name in recipes.FAMILIES["ava-fcn-all"])
    assert len(recipes.FAMILIES["ava-fcn-all"]) == 9


def test_two_runs_of_one_seed_are_one_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION, average=0.5, colour=0.5)
    runs = [
        training.train(config(data, tmp_path / name, epochs=1, seed=seed))
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    ]
    one, same, other = (tensors_of(load_run(run.folder)[0]) for run in runs)
    for name, values in one.items():
        assert np.array_equal(values, same[name]), name
    assert any(not np.array_equal(values, other[name]) for name, values in one.items())


def test_splits_that_share_photos_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    drawn = tiny_shards.drawn_records(tmp_path / "tree", train=2, val=1)
    leaking = {"train": drawn["train"], "val": [*drawn["val"], drawn["train"][1]]}
    folder = tiny_shards.write_finished(tmp_path / "records", leaking)
    with pytest.raises(
        DatasetError, match=r"train and val share 1 photos .* 2007_0000"
    ):
        training.train(config(folder, tmp_path / "run", evaluation_split="val"))
    assert not (tmp_path / "run").exists()


def test_what_measures_the_model_cannot_choose_the_epoch(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    for changes in (
        {"evaluation_split": "val"},
        {"holdout": 0.5},
        {"validation_split": "train"},
    ):
        asked = {"validation_split": "val", **changes}
        with pytest.raises(recipes.RecipeError, match="cannot measure it"):
            training.train(config(data, tmp_path / "run", **asked))


def test_data_of_another_task_or_schema_is_refused_in_one_line(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, RATING, copies=0)
    with pytest.raises(recipes.RecipeError, match="data set for segmentation") as told:
        training.train(config(data, tmp_path / "run", task="aesthetics"))
    assert "\n" not in str(told.value)
    rated = tiny_shards.write_finished(
        tmp_path / "rated", {"train": tiny_shards.rated_records(2)}
    )
    info = rated / INFO_NAME
    info.write_text(
        info.read_text().replace('"schema_version": 1', '"schema_version": 9')
    )
    with pytest.raises(DatasetError, match="convert the data set again") as told_too:
        training.train(config(rated, tmp_path / "run", task="aesthetics"))
    assert "\n" not in str(told_too.value)


def test_stages_go_on_from_each_other_and_resume_at_their_border(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = tuple(
        recipes.Stage(model=name, epochs=1, learning_rate=1e-3)
        for name in ("fcn32s", "fcn8s")
    )
    tiny_recipes.use(monkeypatch, SEGMENTATION, stages=stages)
    whole = training.train(config(data, tmp_path / "whole"))
    train_stage = training._train_stage

    def first_only(session: Any, stage: Any) -> None:
        if stage.first == 2:
            raise KeyboardInterrupt
        train_stage(session, stage)

    monkeypatch.setattr(training, "_train_stage", first_only)
    with pytest.raises(KeyboardInterrupt):
        training.train(config(data, tmp_path / "parts"))
    monkeypatch.setattr(training, "_train_stage", train_stage)
    parts = training.train(config(data, tmp_path / "parts", resume=True))
    assert (whole.epochs, whole.chosen_epoch) == (2, 2)
    model, spec, _ = load_run(whole.folder)
    assert spec.name == "fcn8s"
    resumed = tensors_of(load_run(parts.folder)[0])
    for name, values in tensors_of(model).items():
        np.testing.assert_allclose(values, resumed[name], atol=1e-6, err_msg=name)


def test_a_run_shows_its_epochs(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    result = training.train(
        config(data, tmp_path / "run", epochs=1, validation_split="val")
    )
    (row,) = RunFolder.open(result.folder).history()
    assert {"loss", "miou", "images_per_second"} <= set(row)
    assert result.images_per_second > 0
    shown = event_accumulator.EventAccumulator(str(result.folder / "tensorboard"))
    shown.Reload()
    tags = shown.Tags()["tensors"]
    assert {"loss", "miou", "iou/background"} <= set(tags)
    assert len([tag for tag in tags if tag.startswith("masks/")]) == 2
    record = RunFolder.open(result.folder).record
    assert record["config"]["recipe"] == "tiny"
    assert {"keras", "tensorflow"} <= set(record["versions"])
    assert record["settings"]["data_fingerprint"]


def test_resuming_with_another_number_names_it_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, SEGMENTATION)
    training.train(config(data, tmp_path / "run", epochs=1))
    with pytest.raises(RunError, match=r"numbers\.average 0\.0, got 0\.9;"):
        training.train(
            config(data, tmp_path / "run", epochs=1, average=0.9, resume=True)
        )
