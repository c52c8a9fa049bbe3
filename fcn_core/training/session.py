"""A session of a run: the epochs that are left, each placed, stepped, judged, kept.

State is saved first, and only then is the epoch noted as done.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core.models.build import build
from fcn_core.training import progress, schedules, tensorboard
from fcn_core.training.objectives.make import make_objective
from fcn_core.training.run_folder import RunFolder
from fcn_core.training.stages import Stage, model_of, place, recipe_of, teacher_of
from fcn_core.training.start import Plan
from fcn_core.training.trainer import Trainer

_PANELS: Final = 4
"""Photos whose masks are shown after each epoch, always the same ones."""

Part = Literal["place", "step", "judge", "log", "commit"]
"""What a session does, in order: a model a stage, the others an epoch."""

Act = Callable[[Part, int], None]
"""Called before each part with the number of the epoch; may raise, as a kill would."""

_log = logging.getLogger(__name__)


def do_nothing(part: Part, epoch: int) -> None:
    """Lets a session go on: the `Act` of every run but those of tests."""


@dataclass(frozen=True)
class Session:
    """What every stage of a run shares.

    Attributes:
        plan: What the run is.
        run: Its folder.
        strategy: Its devices; None for one.
        act: Called before each part of the work.
    """

    plan: Plan
    run: RunFolder
    strategy: Any
    act: Act = do_nothing


def train_stage(session: Session, stage: Stage) -> None:
    """Trains what is left of a stage.

    Raises:
        DatasetError: A photo cannot be learned from.
        TrainingError: Nothing is left to train, or the loss is not finite.
    """
    first = session.run.epochs_done + 1
    if first > stage.last:
        return
    session.act("place", first)
    epochs = _Epochs(session, stage)
    for epoch in range(first, stage.last + 1):
        session.act("step", epoch)
        row = epochs.step(epoch)
        session.act("judge", epoch)
        scores, panels = epochs.judge()
        row |= scores
        session.act("log", epoch)
        tensorboard.write(session.run.events, epoch=epoch, scalars=row, panels=panels)
        session.act("commit", epoch)
        epochs.commit(row)


class _Epochs:
    """The epochs of a stage, with its model on the session's devices."""

    def __init__(self, session: Session, stage: Stage) -> None:
        self._session = session
        self._stage = stage
        self._last = session.plan.stages[-1].last
        training = session.plan.splits.training
        self._objective = make_objective(stage.spec, stage.recipe, training)
        self._steps = self._objective.steps(
            training, batch_size=stage.recipe.batch_size
        )
        self._model, self._trainer = self._place()
        # Of a model with replicas each would answer.
        self._judged = build(stage.spec) if session.strategy else self._model
        self._examples = 0

    def _place(self) -> tuple[keras.Model, Trainer]:
        """Returns the model and its trainer after the last finished epoch."""
        session, stage, run = self._session, self._stage, self._session.run
        with place(session.strategy, stage.recipe):
            model = model_of(run, stage, seed=session.plan.config.seed)
            trainer = Trainer(
                model,
                recipe_of(run, stage),
                self._objective,
                steps=self._steps,
                teacher=teacher_of(run, stage),
                strategy=session.strategy,
            )
        if run.epochs_done >= stage.first:
            trainer.restore(run.optimizer_path(run.epochs_done))
        return model, trainer

    def step(self, epoch: int) -> dict[str, float]:
        """Makes the steps of an epoch and returns its row of the history."""
        seed, stage = self._session.plan.config.seed, self._stage
        start = time.monotonic()
        batches = progress.CountedBatches(
            self._objective.batches(
                self._session.plan.splits.training,
                batch_size=stage.recipe.batch_size,
                seed=seed,
                epoch=epoch,
            )
        )
        label = f"epoch {epoch}/{self._last}"
        with progress.show_steps(label, steps=self._steps) as on_step:
            loss = self._trainer.run_epoch(
                batches,
                epoch=epoch - stage.first + 1,
                seed=seed + epoch,
                label=label,
                drops=count_drops(self._session, stage, judge=self._objective.judge),
                on_step=on_step,
            )
        seconds = time.monotonic() - start
        self._examples = batches.examples
        speed = batches.examples / seconds
        row = {"epoch": epoch, "loss": loss, "seconds": seconds}
        return row | {"images_per_second": speed}

    def judge(self) -> tuple[dict[str, float], dict[str, NDArray[np.uint8]]]:
        """Returns scores of the photos that choose the epoch, and pictures of a few."""
        splits = self._session.plan.splits
        shown = splits.choosing or splits.training
        with self._trainer.result():
            if self._judged is not self._model:
                self._judged.set_weights(self._model.get_weights())
            scores = {}
            if splits.choosing is not None:
                scores = self._objective.scores(self._judged, splits.choosing)
            return scores, self._objective.panels(self._judged, shown, count=_PANELS)

    def commit(self, row: dict[str, float]) -> None:
        """Saves the state after an epoch, then notes that the epoch is done."""
        run, epoch, judge = self._session.run, int(row["epoch"]), self._objective.judge
        with self._trainer.result():
            run.save_weights(self._model, run.weights_path(epoch))
        self._trainer.save(run.optimizer_path(epoch))
        run.add_to_history(row)
        run.note(
            epochs_done=epoch,
            seconds=run.record.seconds + row["seconds"],
            examples=run.record.examples + self._examples,
        )
        run.prune(keep={0, epoch, run.best_epoch(judge, first=self._stage.first)})
        _log.info("%s", progress.epoch_line(row, of=self._last, judge=judge))


def count_drops(session: Session, stage: Stage, *, judge: str) -> int:
    """Returns how many plateaus the stage's finished epochs have met.

    Args:
        session: Its run has the scores of the epochs.
        stage: Whose epochs.
        judge: Name of the score; without photos that choose it is the training loss.
    """
    if stage.recipe.schedule != "plateau":
        return 0
    rows = [row for row in session.run.history() if row["epoch"] >= stage.first]
    scores = [
        row[judge] if session.plan.splits.choosing else -row["loss"] for row in rows
    ]
    return schedules.plateau_drops(scores, patience=stage.recipe.decay_epochs)
