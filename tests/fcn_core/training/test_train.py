"""Runs: they learn, freeze, choose, blend, and show what they did."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from fcn_core.models.build import build
from fcn_core.models.weights.assign import tensors_of
from fcn_core.training.run_folder import RunFolder, load_run
from fcn_core.training.stages import Stage, blend
from fcn_core.training.train import RunResult, train
from tests.drawn import tiny_recipes
from tests.drawn.tiny_recipes import RATING, config
from tests.drawn.tiny_runs import TINY, weights_of

pytestmark = pytest.mark.usefixtures("eager")


def test_what_chooses_picks_the_best_epoch_and_blends_it(
    done: RunResult,
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


def test_what_began_as_chance_is_not_blended(done: RunResult) -> None:
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


def test_a_run_shows_its_epochs(done: RunResult) -> None:
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


def test_initial_weights_from_another_run(
    done: RunResult,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    second = train(
        config(
            data,
            tmp_path / "second",
            epochs=1,
            init=str(done.folder),
            freeze=["backbone", "head"],
        )
    )
    before, after = weights_of(done.folder), weights_of(second.folder)
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert {name.split("_")[0] for name in moved} == {"skip"}


def test_rating_recipe_runs_and_reports(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipes.use(monkeypatch, RATING)
    result = train(
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
