"""Recipes small enough to train within a test, and a data folder to train them on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fcn_core import recipes
from fcn_core.models.spec import ModelSpec
from fcn_core.recipes.recipe import RANDOM, Recipe
from fcn_core.training.config import TrainingConfig

SEGMENTATION = Recipe(
    about="A few filters from nothing",
    model=ModelSpec(name="fcn8s", backbone="vgg16", width=0.15, head_width=24),
    init=RANDOM,
    notes="Knows nothing.",
    epochs=2,
    batch_size=2,
    learning_rate=2e-3,
    crop=(48, 48),
    scale=(1.0, 1.0),
    max_side=64,
)

RATING = Recipe(
    about="A few filters from nothing",
    model=ModelSpec(
        task="aesthetics",
        name="rating",
        backbone="vgg16",
        classes=10,
        width=0.1,
        head_width=8,
    ),
    init=RANDOM,
    notes="Knows nothing.",
    epochs=2,
    batch_size=4,
    learning_rate=3e-3,
    crop=(32, 32),
    max_side=48,
    copies=1,
)


def use(monkeypatch: pytest.MonkeyPatch, recipe: Recipe, **changes: Any) -> None:
    """Makes a recipe known as `tiny` for the duration of a test."""
    monkeypatch.setitem(recipes.RECIPES, "tiny", replace(recipe, **changes))


def config(data: Path, output: Path, **changes: Any) -> TrainingConfig:
    """What `fcn train segmentation --recipe tiny` asks for."""
    fields: dict[str, Any] = {
        "task": "segmentation",
        "recipe": "tiny",
        "data": data,
        "output": output,
        "evaluation_split": None,
    }
    return TrainingConfig(**(fields | changes))
