"""The objective of a recipe: what it learns from which data."""

from fcn_core.models.spec import ModelSpec
from fcn_core.recipes.recipe import Recipe, RecipeError
from fcn_core.records.source import Source
from fcn_core.training.objectives.objective import Objective
from fcn_core.training.objectives.quality import QualityObjective
from fcn_core.training.objectives.ratings import RatingObjective
from fcn_core.training.objectives.segmentation import (
    SegmentationObjective,
    class_weights_of,
)


def make_objective(spec: ModelSpec, recipe: Recipe, source: Source) -> Objective:
    """Returns the objective of a recipe for a data set.

    Raises:
        RecipeError: The data set has no classes, but the task needs them.
    """
    if recipe.copies:
        return QualityObjective(spec, recipe)
    if recipe.task == "aesthetics":
        return RatingObjective(spec, recipe)
    info = source.info
    if info.classes is None or info.void is None:
        raise RecipeError(
            f"{source.folder}: got a data set for {info.task} without classes, "
            "expected one for segmentation; convert it with `fcn convert voc`"
        )
    return SegmentationObjective(
        spec,
        recipe,
        classes=info.classes,
        void=info.void,
        class_weights=class_weights_of(
            recipe, source, classes=len(info.classes), void=info.void
        ),
    )
