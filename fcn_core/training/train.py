"""`train(config)` for every recipe.

Each epoch is a function of (seed, epoch number, state before it), and the state is
saved after it: a killed run that resumes goes on with the numbers it would have had.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from fcn_core import machine, memory
from fcn_core.records.dataset_info import DatasetError
from fcn_core.records.source import Source
from fcn_core.training import devices, tensorboard
from fcn_core.training.config import TrainingConfig
from fcn_core.training.objectives.make import make_objective
from fcn_core.training.objectives.objective import Objective
from fcn_core.training.run_folder import RunFolder
from fcn_core.training.run_record import Measured
from fcn_core.training.session import Act, Session, do_nothing, train_stage
from fcn_core.training.stages import blend
from fcn_core.training.start import Plan, plan_run, start_run

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """The outcome of a finished run.

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


def train(config: TrainingConfig, *, act: Act = do_nothing) -> RunResult:
    """Trains a recipe on a finished data set.

    Args:
        config: What is asked for.
        act: Called before each part of the work; see `session.Act`.

    Raises:
        DatasetError: The data folder is not finished, of another schema, has no such
            split or photos, leaks, or holds a photo that cannot be learned from.
        RunError: The output folder holds something else.
        TrainingError: Nothing is left to train, or the loss is not finite.
        RecipeError: A name does not exist or does not fit the task.
        WeightsError: The initial weights do not fit.
    """
    plan = plan_run(config)
    run = RunFolder.resume(config.output, plan.settings) if config.resume else None
    if run is None:
        RunFolder.check_free(config.output, started=config.resume)
    _set_up(config)
    strategy = devices.strategy(config.devices)
    run = run or start_run(plan)
    run.note_session(versions=devices.versions(), device=devices.describe())
    session = Session(plan, run, strategy, act)
    for stage in plan.stages:
        train_stage(session, stage)
    return _finish(run, plan)


def _set_up(config: TrainingConfig) -> None:
    """Limits threads where TensorFlow has not started any yet."""
    memory.keep_freed_memory()
    threads, usable = config.threads, machine.usable_cores()
    if not threads and usable < machine.allowed_cores():
        threads = usable  # TensorFlow knows no quotas: its threads would wait in turn
    if threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError:
            _log.warning("TensorFlow runs already: threads=%d ignored", threads)


def _finish(run: RunFolder, plan: Plan) -> RunResult:
    """Makes the final weights from the chosen epoch's, and measures them, once."""
    stage, splits = plan.stages[-1], plan.splits
    objective = make_objective(stage.spec, stage.recipe, splits.training)
    chosen = run.best_epoch(objective.judge, first=stage.first)
    model = blend(run, stage, epoch=chosen)
    run.save_weights(model, run.final_path)
    # A photo that cannot be measured must not cost the model.
    run.note(chosen_epoch=chosen, metrics={}, evaluation=Measured(split=None, images=0))
    if splits.measuring is not None:
        _measure(run, objective, model, source=splits.measuring)
    record = run.record
    return RunResult(
        folder=run.folder,
        epochs=run.epochs_done,
        chosen_epoch=chosen,
        metrics=record.metrics,
        seconds=record.seconds,
        images_per_second=record.examples / max(record.seconds, 1e-9),
    )


def _measure(
    run: RunFolder, objective: Objective, model: keras.Model, *, source: Source
) -> None:
    """Scores the final weights on the split that is kept for it, and notes them."""
    try:
        metrics = objective.scores(model, source)
    except DatasetError as error:
        raise DatasetError(
            f"{error}; the trained weights are kept, without figures: `fcn export` "
            "takes them as they are"
        ) from error
    measured = Measured(split=source.split, images=source.count())
    run.note(metrics=metrics, evaluation=measured)
    tensorboard.write(
        run.events,
        epoch=run.record.chosen_epoch or 0,
        scalars=metrics,
        prefix="final/",
    )
