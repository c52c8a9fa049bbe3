"""A run folder after a kill: whole files, finished epochs, plain words."""

import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import SCORES
from fcn_core.training.run_folder import RunError, RunFolder
from fcn_core.training.run_record import FormerSession
from fcn_core.training.session import count_drops
from fcn_core.training.stages import Stage, teacher_of
from fcn_core.training.trainer import Trainer
from tests.drawn.tiny_recipes import SEGMENTATION
from tests.drawn.tiny_runs import draw_record


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", draw_record())


def reopened(run: RunFolder) -> RunFolder | None:
    return RunFolder.resume(run.folder, run.record.settings)


class Killed:
    """A model whose file is half written when the process dies."""

    def save_weights(self, path: Path, *, overwrite: bool) -> None:
        path.write_bytes(b"half of")
        raise KeyboardInterrupt


def test_a_kill_during_a_save_leaves_no_half_file(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = Killed()
    with pytest.raises(KeyboardInterrupt):
        run.save_weights(model, run.weights_path(0))
    assert not run.weights_path(0).exists()
    assert reopened(run) is None  # nothing is done yet: it begins again

    def dies(path: Path, **_: Any) -> None:
        Path(path).write_bytes(b"half of")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", dies)
    trainer: Any = SimpleNamespace(_state=dict)
    with pytest.raises(KeyboardInterrupt):
        Trainer.save(trainer, run.optimizer_path(1))
    assert not run.optimizer_path(1).exists()


def test_a_kill_before_the_first_file_can_be_resumed(tmp_path: Path) -> None:
    (tmp_path / ".new-run.json").write_text("{")
    RunFolder.check_free(tmp_path, started=True)
    (tmp_path / "letter.txt").write_text("x")
    with pytest.raises(RunError, match="is not empty"):
        RunFolder.check_free(tmp_path, started=True)


def test_only_finished_epochs_count(run: RunFolder) -> None:
    run.add_to_history({"epoch": 1, "loss": 1.0})
    run.note(epochs_done=1)
    run.add_to_history({"epoch": 2, "loss": 1.0})  # and killed before the note
    assert [row["epoch"] for row in run.history()] == [1]
    plateau = replace(SEGMENTATION, schedule="plateau", decay_epochs=1)
    stage = Stage(plateau, SEGMENTATION.model, first=1, before=None)
    plan = SimpleNamespace(splits=SimpleNamespace(choosing=None))
    session: Any = SimpleNamespace(run=run, plan=plan)
    assert count_drops(session, stage, judge="miou") == 0
    run.add_to_history({"epoch": 2, "loss": 1.0})
    run.note(epochs_done=2)
    assert count_drops(session, stage, judge="miou") == 1
    assert len(run.history_path.read_text().splitlines()) == 3


def test_a_run_without_its_state_does_not_begin_again(run: RunFolder) -> None:
    run.note(epochs_done=3)
    for path in (run.weights_path(0), run.weights_path(3), run.optimizer_path(3)):
        with pytest.raises(RunError, match=f"{path.name}: got no .* the file back"):
            reopened(run)
        path.write_bytes(b"x")
    again = reopened(run)
    assert again is not None
    assert again.epochs_done == 3


def test_what_computed_earlier_sessions_stays_known(run: RunFolder) -> None:
    first: dict[str, Any] = {"versions": {"keras": "3.1"}, "device": "CPU"}
    run.note_session(**first)
    run.note_session(**first)
    assert run.record.former_sessions == []
    run.note(epochs_done=2)
    run.note_session(versions={"keras": "3.2"}, device="CPU")
    assert run.record.versions == {"keras": "3.2"}
    assert run.record.former_sessions == [FormerSession(until_epoch=2, **first)]


def test_a_head_that_began_as_chance_is_no_teacher(
    run: RunFolder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spec = ModelSpec(backbone="vgg16", width=0.05, head_width=4, classes=3)
    stage = Stage(replace(SEGMENTATION, soft_labels=0.8), spec, first=1, before=None)
    model: keras.Model = build(spec)
    run.save_weights(model, run.weights_path(0))
    for new in ([SCORES, "skip_stride8"], ["every layer"]):
        run.note(new_layers=new)
        resumed = RunFolder.open(run.folder)
        assert teacher_of(resumed, stage) is None
        assert "learns from hard labels alone" in caplog.messages[0]
        caplog.clear()
    run.note(new_layers=["skip_stride8"])
    assert teacher_of(run, stage) is not None
    assert not caplog.messages
