"""How a run begins: its plan, its first weights, its record."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import keras

from fcn_core.models.build import build
from fcn_core.models.regularisation import every_layer
from fcn_core.training.batches import Batch
from fcn_core.training.config import TrainingConfig
from fcn_core.training.initial_weights import InitialWeights, Random
from fcn_core.training.objectives.make import make_objective
from fcn_core.training.run_folder import RunFolder
from fcn_core.training.run_record import RunRecord, RunSettings
from fcn_core.training.settings import initial_of, resolved_recipe, settings_of
from fcn_core.training.splits import Splits, splits_of
from fcn_core.training.stages import Stage, stages_of

_MEASURED: Final = 16
"""Photos that norms of random weights begin with the statistics of."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is settled before a model is built.

    Attributes:
        config: What was asked for.
        initial: Weights that the run starts from.
        splits: Its photos.
        stages: Its parts, in order.
        settings: What decides its numbers.
    """

    config: TrainingConfig
    initial: InitialWeights
    splits: Splits
    stages: list[Stage]
    settings: RunSettings


def plan_run(config: TrainingConfig) -> Plan:
    """Settles what a run is, and refuses what cannot be one.

    Raises:
        DatasetError: The data folder is not finished, of another schema, has no such
            split or photos, or leaks.
        ModelError: The initial weights' list of photos is damaged.
        RecipeError: A name does not exist or does not fit the task.
        WeightsError: The recipe needs initial weights and got none.
    """
    recipe = resolved_recipe(config)
    initial = initial_of(config, recipe)
    splits = splits_of(config, recipe, initial=initial)
    stages = list(stages_of(recipe, splits.training))
    settings = settings_of(
        config,
        recipe,
        initial=initial,
        spec=stages[-1].spec,
        source=splits.training,
    )
    return Plan(config, initial, splits, stages, settings)


def start_run(plan: Plan) -> RunFolder:
    """Saves the initial weights: a run is only ever resumed."""
    model, new_layers = _first_model(plan)
    stage, config = plan.stages[0], plan.config
    record = RunRecord(
        settings=plan.settings,
        new_layers=list(new_layers),
        about=stage.recipe.about,
        origin=plan.initial.origin(stage.spec),
        config=TrainingConfig(**config.model_dump(exclude_none=True)),
    )
    run = RunFolder.create(config.output, record)
    run.save_photos(plan.splits.learned)
    run.save_weights(model, run.weights_path(0))
    return run


def _first_model(plan: Plan) -> tuple[keras.Model, Sequence[str]]:
    """Returns the first stage's model and the layers that no weights were for."""
    stage, source, seed = plan.stages[0], plan.splits.training, plan.config.seed
    keras.utils.set_random_seed(seed)
    model = build(stage.spec)
    report = plan.initial.load(model, stage.spec, plan.settings.classes)
    _log.info(
        "initial weights %s: %d layers loaded, new: %s",
        plan.settings.init,
        len(report.loaded),
        ", ".join(report.new) or "none",
    )
    if isinstance(plan.initial, Random):
        objective = make_objective(stage.spec, stage.recipe, source)
        measure_norms(
            model,
            objective.batches(source, batch_size=_MEASURED, seed=seed, epoch=1),
        )
    return model, report.new


def measure_norms(model: keras.Model, batches: Iterable[Batch]) -> None:
    """Gives every batch norm of a network of random weights measured statistics.

    Norms that begin as the identity normalise nothing. Kept so, as recipes keep them,
    they let the signal die out: MobileNetV2's deepest features are then 1e-11 times
    its photos, and only biases learn.

    Args:
        model: Its norms are changed, each by what those before it let through.
        batches: Photos to measure; of these the first batch's of the first size.
    """
    norms = [
        layer
        for layer in every_layer(model)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not norms:
        return
    first_piece, *_ = next(iter(batches))
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(keras.ops.cast(first_piece[0], "float32"), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
