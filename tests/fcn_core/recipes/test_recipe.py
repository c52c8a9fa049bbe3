"""Recipes: complete, in the manual, stages of their own, rates for means."""

from dataclasses import replace
from pathlib import Path

import keras
import pytest

from fcn_core import recipes
from fcn_core.models.build import build
from fcn_core.recipes import ratings
from fcn_core.recipes.recipe import Stage
from tests.drawn.tiny_recipes import SEGMENTATION


def test_every_recipe_is_complete_and_in_the_manual() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "training.md").read_text()
    for name, recipe in recipes.RECIPES.items():
        assert f"`{name}`" in manual or name.startswith("ava-fcn-"), name
        for part in recipe.parts():
            assert set(part.rates) <= {"backbone", "head", "skip", "affinity"}
            assert not part.stages
            assert part.epochs > 0
        assert recipe.about
        assert recipe.notes
    assert all(name in recipes.RECIPES for name in ratings.FAMILIES["ava-fcn-all"])
    assert len(ratings.FAMILIES["ava-fcn-all"]) == 9


@pytest.mark.slow
def test_every_recipe_builds_its_network() -> None:
    for name, recipe in recipes.RECIPES.items():
        with keras.StatelessScope(initialize_variables=False):  # no memory
            model = build(recipe.model)
        assert model.output.shape[-1] == recipe.model.channels, name


def test_stages_are_recipes_of_their_own() -> None:
    staged = replace(
        SEGMENTATION,
        stages=(
            Stage(model="fcn32s", epochs=2, learning_rate=0.1),
            Stage(model="fcn8s", epochs=3, learning_rate=0.01, rates={"skip": 1.0}),
        ),
    )
    first, second = staged.with_learning_rate(1.0).parts()
    assert (first.model.name, first.epochs, first.learning_rate) == ("fcn32s", 2, 1.0)
    assert second.learning_rate == pytest.approx(0.1)
    assert second.rates == {"skip": 1.0}
    assert [part.epochs for part in staged.parts()] == [2, 3]
    assert [part.epochs for part in staged.with_epochs(1).parts()] == [1, 1]


def test_published_rates_are_converted_to_means() -> None:
    original = recipes.RECIPES["fcn-original"]
    rates = [part.learning_rate for part in original.parts()]
    assert rates == pytest.approx([1.875e-5, 1.875e-7, 1.875e-9])
    assert [part.model.name for part in original.parts()] == [
        "fcn32s",
        "fcn16s",
        "fcn8s",
    ]
