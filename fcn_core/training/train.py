"""One `train(config)` for every recipe.

Each epoch is a function of (seed, epoch number, state before it), and the state is
saved after it: a killed run that resumes goes on with the numbers it would have had.
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import tensorflow as tf

from fcn_core import memory
from fcn_core.models.build import build
from fcn_core.records.dataset_info import DatasetError
from fcn_core.training import devices, progress, schedules, tensorboard
from fcn_core.training.config import TrainingConfig
from fcn_core.training.initial_weights import InitialWeights, Random
from fcn_core.training.norms import measure_norms
from fcn_core.training.objectives.make import make_objective
from fcn_core.training.objectives.objective import Objective
from fcn_core.training.run_folder import RunFolder
from fcn_core.training.run_record import RunRecord, RunSettings
from fcn_core.training.settings import initial_of, resolved_recipe, settings_of
from fcn_core.training.splits import Splits, splits_of
from fcn_core.training.stages import (
    Stage,
    blended,
    model_of,
    placed,
    stages_of,
    teacher_of,
)
from fcn_core.training.trainer import Trainer

_PANELS: Final = 4
"""Photos whose masks are shown after each epoch, always the same ones."""

_MEASURED: Final = 16
"""Photos that norms of random weights begin with the statistics of."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """What a finished run came to.

    Attributes:
        folder: The run folder.
        epochs: Epochs trained, all sessions together.
        chosen_epoch: The one whose weights `load_run` and `fcn export` take.
        metrics: Scores of those weights on the evaluation split, by name.
        seconds: Training time without evaluation, all sessions together.
        images_per_second: Examples trained on a second of it.
    """

    folder: Path
    epochs: int
    chosen_epoch: int
    metrics: dict[str, float]
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class _Session:
    """What every stage of a run shares."""

    config: TrainingConfig
    splits: Splits
    run: RunFolder
    strategy: Any
    epochs: int


def train(config: TrainingConfig) -> RunResult:
    """Trains a recipe on a finished data set.

    Raises:
        DatasetError: The data folder is not finished, of another schema, has no such
            split or photos, leaks, or holds a photo that cannot be learned from.
        RunError: The output folder holds something else.
        TrainingError: Nothing is left to train, or the loss is not finite.
        RecipeError: A name does not exist or does not fit the task.
        WeightsError: The initial weights do not fit.
    """
    recipe = resolved_recipe(config)
    initial = initial_of(config, recipe)
    splits = splits_of(config, recipe, initial=initial)
    source = splits.training
    stages = list(stages_of(recipe, source))
    settings = settings_of(
        config, recipe, initial=initial, spec=stages[-1].spec, source=source
    )
    run = RunFolder.resume(config.output, settings) if config.resume else None
    if run is None:
        RunFolder.check_free(config.output, started=config.resume)
    _set_up(config)
    strategy = devices.strategy(config.devices)
    if run is None:
        run = _start_run(config, splits, stages[0], initial=initial, settings=settings)
    run.note_session(versions=devices.versions(), device=devices.describe())
    session = _Session(config, splits, run, strategy, stages[-1].last)
    for stage in stages:
        if run.epochs_done < stage.last:
            _train_stage(session, stage)
    objective = make_objective(stages[-1].spec, stages[-1].recipe, source)
    return _finish(session, stages[-1], objective)


def _set_up(config: TrainingConfig) -> None:
    """Limits threads where TensorFlow has not started any yet."""
    memory.keep_freed_memory()
    if config.threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(config.threads)
            tf.config.threading.set_inter_op_parallelism_threads(config.threads)
        except RuntimeError:
            _log.warning("TensorFlow runs already: threads=%d ignored", config.threads)


def _start_run(
    config: TrainingConfig,
    splits: Splits,
    stage: Stage,
    *,
    initial: InitialWeights,
    settings: RunSettings,
) -> RunFolder:
    """Saves the initial weights: a run is only ever resumed."""
    recipe, source = stage.recipe, splits.training
    keras.utils.set_random_seed(config.seed)
    model = build(stage.spec)
    report = initial.load(model, stage.spec, classes=settings.classes)
    name, missing = initial.describe(), ", ".join(report.new) or "none"
    loaded = len(report.loaded)
    _log.info("initial weights %s: %d layers loaded, new: %s", name, loaded, missing)
    if isinstance(initial, Random):
        batches = make_objective(stage.spec, recipe, source).batches(
            source, batch_size=_MEASURED, seed=config.seed, epoch=1
        )
        measure_norms(model, batches)
    record = RunRecord(
        settings=settings,
        new_layers=list(report.new),
        about=recipe.about,
        origin=initial.origin(stage.spec),
        config=TrainingConfig(**config.model_dump(exclude_none=True)),
    )
    run = RunFolder.create(config.output, record)
    run.save_photos(splits.learned)
    run.save_weights(model, run.weights_path(0))
    return run


def _train_stage(session: _Session, stage: Stage) -> None:
    """Trains what is left of a stage."""
    config, run, splits = session.config, session.run, session.splits
    objective = make_objective(stage.spec, stage.recipe, splits.training)
    batch_size = stage.recipe.batch_size
    steps = objective.steps(splits.training, batch_size=batch_size)
    with placed(session.strategy, stage.recipe):
        model = model_of(run, stage, seed=config.seed)
        trainer = Trainer(
            model,
            stage.recipe,
            objective,
            steps=steps,
            teacher=teacher_of(run, stage),
            strategy=session.strategy,
        )
    # Of a model with replicas each would answer.
    judged = build(stage.spec) if session.strategy else model
    if run.epochs_done >= stage.first:
        trainer.restore(run.optimizer_path(run.epochs_done))
    for epoch in range(run.epochs_done + 1, stage.last + 1):
        start = time.monotonic()
        batches = progress.Counted(
            objective.batches(
                splits.training, batch_size=batch_size, seed=config.seed, epoch=epoch
            )
        )
        label = f"epoch {epoch}/{session.epochs}"
        with progress.shown(label, steps=steps) as told:
            loss = trainer.run_epoch(
                batches,
                epoch=epoch - stage.first + 1,
                seed=config.seed + epoch,
                label=label,
                drops=_drops(session, stage, judge=objective.judge),
                told=told,
            )
        seconds = time.monotonic() - start
        row = {
            "epoch": epoch,
            "loss": loss,
            "seconds": seconds,
            "images_per_second": batches.examples / seconds,
        }
        with trainer.result():
            if judged is not model:
                judged.set_weights(model.get_weights())
            if splits.choosing is not None:
                row |= objective.scores(judged, splits.choosing)
            shown = splits.choosing or splits.training
            panels = objective.panels(judged, shown, count=_PANELS)
        events = run.events
        tensorboard.write(events, epoch=epoch, scalars=row, panels=panels)
        _finish_epoch(
            session,
            stage,
            model,
            trainer,
            row,
            judge=objective.judge,
            examples=batches.examples,
        )


def _drops(session: _Session, stage: Stage, *, judge: str) -> int:
    """Plateaus that the stage's finished epochs have met."""
    if stage.recipe.schedule != "plateau":
        return 0
    rows = [row for row in session.run.history() if row["epoch"] >= stage.first]
    scores = [row[judge] if session.splits.choosing else -row["loss"] for row in rows]
    return schedules.plateau_drops(scores, patience=stage.recipe.decay_epochs)


def _finish_epoch(
    session: _Session,
    stage: Stage,
    model: keras.Model,
    trainer: Trainer,
    row: dict[str, float],
    *,
    judge: str,
    examples: int,
) -> None:
    """Saves state first, then says that the epoch is done."""
    run, epoch = session.run, int(row["epoch"])
    with trainer.result():
        run.save_weights(model, run.weights_path(epoch))
    trainer.save(run.optimizer_path(epoch))
    run.add_to_history(row)
    run.note(
        epochs_done=epoch,
        seconds=run.record.seconds + row["seconds"],
        examples=run.record.examples + examples,
    )
    run.prune(keep={0, epoch, run.best_epoch(judge, first=stage.first)})
    _log.info("%s", progress.epoch_line(row, of=session.epochs, judge=judge))


def _finish(session: _Session, stage: Stage, objective: Objective) -> RunResult:
    """Makes the final weights from the chosen epoch's, and measures them, once."""
    run = session.run
    chosen = run.best_epoch(objective.judge, first=stage.first)
    model = blended(run, stage, epoch=chosen)
    run.save_weights(model, run.final_path)
    # A photo that cannot be measured must not cost the model.
    run.note(chosen_epoch=chosen, metrics={}, evaluation={"split": None, "images": 0})
    metrics = _measure(session, objective, model)
    return RunResult(
        folder=run.folder,
        epochs=run.epochs_done,
        chosen_epoch=chosen,
        metrics=metrics,
        seconds=run.record.seconds,
        images_per_second=run.record.examples / max(run.record.seconds, 1e-9),
    )


def _measure(
    session: _Session, objective: Objective, model: keras.Model
) -> dict[str, float]:
    """Scores the final weights on the split that is kept for it, and notes them."""
    source = session.splits.measuring
    if source is None:
        return {}
    try:
        metrics = objective.scores(model, source)
    except DatasetError as error:
        raise DatasetError(
            f"{error}; the trained weights are kept, without figures: `fcn export` "
            "takes them as they are"
        ) from error
    run = session.run
    run.note(
        metrics=metrics, evaluation={"split": source.split, "images": source.count()}
    )
    chosen, events = run.record.chosen_epoch or 0, run.events
    tensorboard.write(events, epoch=chosen, scalars=metrics, prefix="final/")
    return metrics
