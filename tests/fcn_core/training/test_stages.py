"""What a stage trains, by what its initial weights know."""

from types import SimpleNamespace
from typing import Any

import pytest

from fcn_core.recipes import BUILT_IN
from fcn_core.training.stages import Stage, recipe_of


def trained(*new_layers: str) -> dict[str, float]:
    """The rates of `voc21` after weights that had nothing for these layers."""
    recipe = BUILT_IN["voc21"]
    run: Any = SimpleNamespace(record=SimpleNamespace(new_layers=new_layers))
    return recipe_of(run, Stage(recipe, recipe.model, 1, None)).rates


def test_what_knows_the_classes_is_kept() -> None:
    rates = BUILT_IN["voc21"].rates
    assert trained("skip_stride8", "affinity_features", "affinity_weights") == {
        "skip": 0.0,
        "head": 0.0,
        "backbone": 0.0,
        "affinity": rates["affinity"],
    }


@pytest.mark.parametrize("new", [("head_score", "skip_stride8"), ("every layer",)])
def test_with_other_classes_all_of_it_learns(new: tuple[str, ...]) -> None:
    assert trained(*new) == BUILT_IN["voc21"].rates
    assert all(BUILT_IN["voc21"].rates.values())
