"""One `train(config)` for every recipe.

Each epoch is a function of (seed, epoch number, state before it), and the state is
saved after it: a killed run that resumes goes on with the numbers it would have had.
"""

import logging
import time
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import keras
import tensorflow as tf

from fcn_core import memory
from fcn_core.input_pipeline import Source
from fcn_core.models import (
    ModelSpec,
    WeightsError,
    build,
    describe_weights,
    load_weights,
    transfer,
)
from fcn_core.models.weights import WeightReport
from fcn_core.objectives import Objective, make_objective
from fcn_core.recipes import RANDOM, Recipe, find_recipe
from fcn_core.run_folder import RUN_NAME, RunError, RunFolder, load_run
from fcn_core.trainer import Trainer, TrainingError
from fcn_core.training_config import TrainingConfig

__all__ = [
    "RunError",
    "RunResult",
    "TrainingConfig",
    "TrainingError",
    "load_run",
    "resolved_recipe",
    "train",
]

_RECORDED: Final = ("keras", "tensorflow")

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
    """

    folder: Path
    epochs: int
    chosen_epoch: int
    metrics: dict[str, float]
    seconds: float


def train(config: TrainingConfig) -> RunResult:
    """Trains a recipe on a finished data set.

    Raises:
        DatasetError: The data folder is not finished or of another schema.
        RunError: The output folder holds something else.
        TrainingError: There is nothing to train on, or the loss is not finite.
        ValueError: A name does not exist or does not fit the task.
        WeightsError: The initial weights do not fit.
    """
    recipe = resolved_recipe(config)
    source = _source(config)
    spec = _spec_for(recipe, source)
    objective = make_objective(spec, recipe, source)
    steps = objective.steps(source, batch_size=recipe.batch_size)
    run = _open_run(config, recipe, spec, source)
    _set_up(config)
    model = build(spec)
    if run is None:
        report = _load_initial(model, spec, _initial_weights(config, recipe))
        run = RunFolder.create(config.output, _settings(config, recipe, spec, source))
        run.note(new_layers=list(report.new))
        model.save_weights(run.weights_path(0), overwrite=True)
    run.note(versions={name: metadata.version(name) for name in _RECORDED})
    model.load_weights(run.weights_path(run.epochs_done))
    trainer = Trainer(model, recipe, objective, steps=steps * recipe.epochs)
    if run.epochs_done:
        trainer.restore(run.optimizer_path(run.epochs_done))
    for epoch in range(run.epochs_done + 1, recipe.epochs + 1):
        start = time.monotonic()
        batches = objective.batches(
            source, batch_size=recipe.batch_size, seed=config.seed, epoch=epoch
        )
        loss = trainer.run_epoch(
            batches,
            steps=steps,
            seed=config.seed + epoch,
            label=f"epoch {epoch}/{recipe.epochs}",
        )
        row = {"epoch": epoch, "loss": loss, "seconds": time.monotonic() - start}
        if config.holdout:
            row |= objective.scores(model, replace(source, part="holdout"))
        _finish_epoch(run, model, trainer, row, judge=objective.judge)
    return _finish(run, model, objective, config, blend=recipe.blend)


def resolved_recipe(config: TrainingConfig) -> Recipe:
    """Returns the recipe with what the config overrides.

    Raises:
        ValueError: There is no such recipe, or it is for another task.
        WeightsError: It needs initial weights and got none.
    """
    recipe = find_recipe(config.recipe)
    if recipe.task != config.task:
        raise ValueError(
            f"recipe {config.recipe} trains {recipe.task}, got the task {config.task}; "
            f"run `fcn train {recipe.task}`"
        )
    return replace(
        recipe,
        init=_initial_weights(config, recipe),
        epochs=config.epochs or recipe.epochs,
        batch_size=config.batch_size or recipe.batch_size,
        learning_rate=config.learning_rate or recipe.learning_rate,
    )


def _initial_weights(config: TrainingConfig, recipe: Recipe) -> str:
    init = config.init or recipe.init
    if init is None:
        raise WeightsError(
            f"recipe {config.recipe} starts from trained weights, got none; pass "
            "--init with their file"
        )
    return init


def _source(config: TrainingConfig) -> Source:
    """The photos to learn from, after checking that every named split exists."""
    source = Source(
        folder=config.data,
        split=config.train_split,
        part="training" if config.holdout else "all",
        holdout=config.holdout,
    )
    for split in (config.train_split, config.evaluation_split):
        if split is not None:
            source.info.shard_paths(config.data, split)
    held_out = replace(source, part="holdout").count() if config.holdout else 1
    if source.count() == 0 or held_out == 0:
        raise TrainingError(
            f"{config.data}: split {config.train_split} has {source.count()} photos to "
            f"train on and {held_out if config.holdout else 0} held out, expected at "
            "least one each; choose another --holdout"
        )
    return source


def _spec_for(recipe: Recipe, source: Source) -> ModelSpec:
    """The recipe's network, with as many classes as the data has."""
    classes = source.info.classes
    if recipe.task == "segmentation" and classes is not None:
        return replace(recipe.model, classes=len(classes))
    return recipe.model


def _set_up(config: TrainingConfig) -> None:
    """Seeds everything; limits threads where TensorFlow has not started any yet."""
    memory.keep_freed_memory()
    keras.utils.set_random_seed(config.seed)
    if config.threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(config.threads)
            tf.config.threading.set_inter_op_parallelism_threads(config.threads)
        except RuntimeError:
            _log.warning("TensorFlow runs already: threads=%d ignored", config.threads)


def _open_run(
    config: TrainingConfig, recipe: Recipe, spec: ModelSpec, source: Source
) -> RunFolder | None:
    """Opens the run to go on with, None where a new one can start."""
    if config.resume and (config.output / RUN_NAME).is_file():
        run = RunFolder.open(config.output)
        run.require(_settings(config, recipe, spec, source))
        if run.weights_path(run.epochs_done).is_file():
            return run
    RunFolder.check_free(config.output, started=config.resume)
    return None


def _settings(
    config: TrainingConfig, recipe: Recipe, spec: ModelSpec, source: Source
) -> dict[str, Any]:
    """Everything that decides a run's numbers, without any folder's name."""
    numbers = {
        name: value
        for name, value in asdict(recipe).items()
        if name not in ("model", "init", "about", "origin", "licence", "notes")
    }
    return {
        "recipe": config.recipe,
        "numbers": _plain(numbers),
        "init": describe_weights(_initial_weights(config, recipe)),
        "model": spec.to_json(),
        "seed": config.seed,
        "holdout": config.holdout,
        "train_split": config.train_split,
        "data": source.info.dataset,
        "data_fingerprint": source.info.fingerprint,
        "classes": source.info.classes,
    }


def _plain(value: Any) -> Any:
    """Tuples become lists, as JSON reads them back."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _load_initial(model: keras.Model, spec: ModelSpec, init: str) -> WeightReport:
    """Loads what the initial weights have and tells what they lack."""
    if (Path(init) / RUN_NAME).is_file():
        source, _, _ = load_run(Path(init))
        report = transfer(source, model)
    elif init == RANDOM:
        report = WeightReport(loaded=(), new=("every layer",))
    else:
        report = load_weights(model, spec, init)
    loaded, new = len(report.loaded), ", ".join(report.new) or "none"
    _log.info("initial weights %s: %d layers loaded, new: %s", init, loaded, new)
    return report


def _finish_epoch(
    run: RunFolder,
    model: keras.Model,
    trainer: Trainer,
    row: dict[str, float],
    *,
    judge: str,
) -> None:
    """Saves state first, then says that the epoch is done."""
    epoch = int(row["epoch"])
    model.save_weights(run.weights_path(epoch), overwrite=True)
    trainer.save(run.optimizer_path(epoch))
    run.add_to_history(row)
    run.note(epochs_done=epoch, seconds=run.record["seconds"] + row["seconds"])
    run.prune(keep={0, epoch, run.best_epoch(judge)})
    with tf.summary.create_file_writer(str(run.folder / "tensorboard")).as_default():
        for name, value in row.items():
            tf.summary.scalar(name, value, step=epoch)
    shown = {key: row[key] for key in ("loss", "seconds", judge) if key in row}
    _log.info(
        "epoch %d: %s", epoch, ", ".join(f"{k} {v:.4f}" for k, v in shown.items())
    )


def _load_blended(
    run: RunFolder, model: keras.Model, *, epoch: int, share: float
) -> None:
    """Loads an epoch's weights, mixed with the initial ones."""
    model.load_weights(run.weights_path(epoch))
    if share == 1.0:
        return
    trained = model.get_weights()
    model.load_weights(run.weights_path(0))
    mixed = zip(model.get_weights(), trained, strict=True)
    model.set_weights([old + share * (new - old) for old, new in mixed])


def _finish(
    run: RunFolder,
    model: keras.Model,
    objective: Objective,
    config: TrainingConfig,
    *,
    blend: float,
) -> RunResult:
    """Makes the final weights from the chosen epoch's, and measures them, once."""
    chosen = run.best_epoch(objective.judge)
    _load_blended(run, model, epoch=chosen, share=blend)
    model.save_weights(run.final_path, overwrite=True)
    metrics: dict[str, float] = {}
    images = 0
    if config.evaluation_split is not None:
        source = Source(folder=config.data, split=config.evaluation_split)
        metrics = objective.scores(model, source)
        images = source.count()
    run.note(
        chosen_epoch=chosen,
        metrics=metrics,
        evaluation={"split": config.evaluation_split, "images": images},
    )
    return RunResult(
        folder=run.folder,
        epochs=run.epochs_done,
        chosen_epoch=chosen,
        metrics=metrics,
        seconds=run.record["seconds"],
    )
