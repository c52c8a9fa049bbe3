"""Runs that are killed and resumed end with the numbers they would have had."""

import itertools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core.models.build import build
from fcn_core.models.weights.assign import tensors_of
from fcn_core.recipes.recipe import Stage
from fcn_core.training.objectives.segmentation import SegmentationObjective
from fcn_core.training.run_folder import RunError, RunFolder, load_run
from fcn_core.training.train import RunResult, train
from tests.drawn import tiny_recipes
from tests.drawn.tiny_recipes import config
from tests.drawn.tiny_runs import SMALL, TINY, kill_before, weights_of

pytestmark = pytest.mark.usefixtures("eager")


def test_two_runs_of_one_seed_are_one_run(
    done: RunResult,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    same = train(config(data, tmp_path / "same", **SMALL))
    other = weights_of(same.folder)
    for name, values in weights_of(done.folder).items():
        assert np.array_equal(values, other[name]), name


def test_resumed_run_ends_with_the_same_numbers(
    done: RunResult,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny_recipes.use(monkeypatch, TINY)
    with pytest.raises(KeyboardInterrupt):
        train(config(data, tmp_path / "parts", **SMALL), act=kill_before("commit", 2))
    with pytest.raises(RunError, match="stopped after epoch 1"):
        load_run(tmp_path / "parts")
    train(config(data, tmp_path / "parts", **SMALL, resume=True))
    other = weights_of(tmp_path / "parts")
    for name, values in weights_of(done.folder).items():
        np.testing.assert_allclose(values, other[name], atol=1e-6, err_msg=name)
    histories = [
        RunFolder.open(run).history() for run in (done.folder, tmp_path / "parts")
    ]
    for row, other in zip(*histories, strict=True):
        assert row["miou"] == pytest.approx(other["miou"], abs=1e-6)


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
        train(config(data, folder, epochs=2), act=kill_before("step", 2))
    run = RunFolder.open(folder)
    with np.load(run.optimizer_path(1)) as saved:
        state = dict(saved)
    model = build(TINY.model)
    model.load_weights(run.weights_path(1))
    before = tensors_of(model)
    taken = int(state["loss-scale-good-steps"])
    assert np.isfinite(run.history()[0]["loss"])
    np.savez(run.optimizer_path(1), **(state | {"loss-scale": np.float32(64)}))
    train(config(data, folder, epochs=2, resume=True))
    with np.load(run.optimizer_path(2)) as resumed:
        assert resumed["loss-scale"] == 64
        assert resumed["loss-scale-good-steps"] == taken + 2
    model.load_weights(run.weights_path(2))
    after = tensors_of(model)
    assert {str(values.dtype) for values in after.values()} == {"float32"}
    assert any(np.abs(after[name] - before[name]).max() > 1e-4 for name in after)
    messages = [text for text in caplog.messages if "hard labels alone" in text]
    assert len(messages) == 2  # random weights teach nothing, in neither session


@pytest.mark.slow
def test_stages_go_on_from_each_other_and_resume_at_their_border(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = tuple(
        Stage(model=name, epochs=epochs, learning_rate=1e-3)
        for name, epochs in (("fcn32s", 1), ("fcn8s", 2))
    )
    tiny_recipes.use(monkeypatch, TINY, stages=stages)
    judged = itertools.cycle([0.9, 0.5, 0.4])  # another network's score cannot choose
    monkeypatch.setattr(
        SegmentationObjective, "scores", lambda *_: {"miou": next(judged)}
    )
    asked: dict[str, Any] = {"validation_split": "val", "batch_size": 4}
    whole = train(config(data, tmp_path / "whole", **asked))
    with pytest.raises(KeyboardInterrupt):
        train(config(data, tmp_path / "parts", **asked), act=kill_before("place", 2))
    parts = train(config(data, tmp_path / "parts", **asked, resume=True))
    assert (whole.epochs, whole.chosen_epoch) == (3, 2)
    model, spec, _ = load_run(whole.folder)
    assert spec.name == "fcn8s"
    resumed = tensors_of(load_run(parts.folder)[0])
    for name, values in tensors_of(model).items():
        np.testing.assert_allclose(values, resumed[name], atol=1e-6, err_msg=name)
