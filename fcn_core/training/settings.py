"""Config and recipe -> the settings that decide every number of a training run."""

import json
from dataclasses import asdict, replace
from typing import Final

from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import WeightsError
from fcn_core.recipes import find_recipe
from fcn_core.recipes.recipe import Recipe, RecipeError
from fcn_core.records.source import Source
from fcn_core.training.config import TrainingConfig
from fcn_core.training.initial_weights import InitialWeights, open_initial
from fcn_core.training.run_record import RunSettings

_NO_NUMBERS: Final = ("model", "init", "about", "notes")
_OVERRIDES: Final = tuple(
    name
    for name in TrainingConfig.model_fields
    if name in Recipe.__dataclass_fields__
    and name not in ("init", "epochs", "learning_rate")
)
"""Flags that replace the recipe's number of the same name."""


def resolved_recipe(config: TrainingConfig) -> Recipe:
    """Returns the recipe with what the config overrides.

    Raises:
        RecipeError: There is no such recipe, it is for another task, or its numbers do
            not fit together.
    """
    recipe = find_recipe(config.recipe)
    if recipe.task != config.task:
        raise RecipeError(
            f"recipe {config.recipe} trains {recipe.task}, got the task {config.task}; "
            f"run `fcn train {recipe.task}`"
        )
    given = {name: getattr(config, name) for name in _OVERRIDES}
    recipe = replace(
        recipe,
        **{name: value for name, value in given.items() if value is not None},
    )
    if config.epochs is not None:
        recipe = recipe.with_epochs(config.epochs)
    if config.learning_rate is not None:
        recipe = recipe.with_learning_rate(config.learning_rate)
    if config.freeze:
        recipe = recipe.with_frozen(config.freeze)
    _check(recipe)
    return recipe


def _check(recipe: Recipe) -> None:
    """Checks that the numbers make sense together."""
    if recipe.stages and (recipe.soft_labels or recipe.blend != 1):
        raise RecipeError(
            f"soft_labels {recipe.soft_labels}, blend {recipe.blend}: a recipe of "
            "stages ends with another network than it starts with, expected 0 and 1"
        )
    if recipe.jaccard and recipe.class_weights != "none":
        raise RecipeError(
            f"jaccard: got {recipe.jaccard} with class weights, expected one of the "
            "two: the soft IoU weighs classes alike already"
        )
    if any(not any(part.rates.values()) for part in recipe.parts()):
        raise RecipeError(
            f"freeze: got every group of the recipe ({', '.join(recipe.rates)}), "
            "expected one to train; leave one out"
        )
    if recipe.batch_size < recipe.accumulate:
        raise RecipeError(
            f"accumulate: got {recipe.accumulate} parts of a batch of "
            f"{recipe.batch_size}, expected at most as many; raise --batch_size"
        )


def initial_of(config: TrainingConfig, recipe: Recipe) -> InitialWeights:
    """Returns the weights that a run starts from.

    Raises:
        WeightsError: The recipe needs some and got none.
    """
    init = config.init or recipe.init
    if init is None:
        raise WeightsError(
            f"recipe {config.recipe} starts from trained weights, got none; pass "
            "--init with their file"
        )
    return open_initial(init)


def spec_for(recipe: Recipe, source: Source) -> ModelSpec:
    """Returns a recipe's network, with as many classes as the data has."""
    classes = source.info.classes
    if recipe.task == "segmentation" and classes is not None:
        return replace(recipe.model, classes=len(classes))
    return recipe.model


def settings_of(
    config: TrainingConfig,
    recipe: Recipe,
    *,
    initial: InitialWeights,
    spec: ModelSpec,
    source: Source,
) -> RunSettings:
    """Returns everything that decides a run's numbers."""
    numbers = {
        name: value for name, value in asdict(recipe).items() if name not in _NO_NUMBERS
    }
    return RunSettings(
        recipe=config.recipe,
        numbers=json.loads(json.dumps(numbers)),  # lists for tuples, as they are read
        init=initial.describe(),
        model=spec.to_json(),
        seed=config.seed,
        holdout=config.holdout,
        train_split=config.train_split,
        validation_split=config.validation_split,
        data=source.info.dataset,
        data_fingerprint=source.info.fingerprint,
        # Degraded copies are made of any photos; those of masks have classes.
        classes=source.info.classes if recipe.task == "segmentation" else None,
    )
