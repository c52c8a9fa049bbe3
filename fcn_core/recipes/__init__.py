"""Training recipes by name: the reference projects' and the built-in models'."""

from typing import Final

from fcn_core.labels import Task
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
    "names_by_task",
]

RECIPES: Final[dict[str, Recipe]] = {**BUILT_IN, **PUBLISHED, **RATINGS}


def find_recipe(name: str) -> Recipe:
    """Returns a recipe by name.

    Raises:
        RecipeError: There is none; the message lists recipes and families.
    """
    if name not in RECIPES:
        raise RecipeError(
            f"recipe: got {name!r}, expected one of "
            f"{', '.join(sorted([*RECIPES, *FAMILIES]))}"
        )
    return RECIPES[name]


def names_by_task() -> dict[Task, tuple[str, ...]]:
    """Returns the names of recipes and families, by what they train."""
    tasks: dict[str, Task] = {name: row.task for name, row in RECIPES.items()}
    tasks |= {name: RECIPES[first].task for name, (first, *_) in FAMILIES.items()}
    return {
        "segmentation": tuple(n for n, task in tasks.items() if task == "segmentation"),
        "aesthetics": tuple(n for n, task in tasks.items() if task == "aesthetics"),
    }
