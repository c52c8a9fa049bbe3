"""Training recipes by name: the seeds' experiments and the built-in models are rows."""

from typing import Final

from fcn_core.recipes.built_in import BUILT_IN
from fcn_core.recipes.published import PUBLISHED
from fcn_core.recipes.ratings import FAMILIES, RATINGS
from fcn_core.recipes.recipe import RANDOM, Recipe, RecipeError, Stage

__all__ = [
    "FAMILIES",
    "RANDOM",
    "RECIPES",
    "Recipe",
    "RecipeError",
    "Stage",
    "find_recipe",
]

RECIPES: Final[dict[str, Recipe]] = {**BUILT_IN, **PUBLISHED, **RATINGS}


def find_recipe(name: str) -> Recipe:
    """Returns a recipe by name.

    Raises:
        RecipeError: There is none; the message lists those there are, and families.
    """
    if name not in RECIPES:
        raise RecipeError(
            f"recipe: got {name!r}, expected one of "
            f"{', '.join(sorted([*RECIPES, *FAMILIES]))}"
        )
    return RECIPES[name]
