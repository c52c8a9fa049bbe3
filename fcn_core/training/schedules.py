"""Learning rates over a run: pure functions of a recipe, a step and the history.

Nothing here has state, so a resumed run cannot disagree with itself about its rate: a
plateau is found again in the scores of the epochs that were finished.
"""

import math
from collections.abc import Sequence

from fcn_core.recipes.recipe import Recipe


def rate_factor(
    recipe: Recipe, *, step: int, steps_an_epoch: int, drops: int = 0
) -> float:
    """Returns what the base rate is multiplied by at a step.

    Args:
        recipe: Its schedule; a single stage.
        step: From 0, over all epochs of the stage.
        steps_an_epoch: Steps of each epoch.
        drops: Plateaus met before this epoch (see `plateau_drops`).
    """
    factor = _decay(recipe, step=step, steps_an_epoch=steps_an_epoch, drops=drops)
    warming = recipe.warm_up * steps_an_epoch
    return factor * min(1.0, (step + 1) / warming) if warming else factor


def _decay(recipe: Recipe, *, step: int, steps_an_epoch: int, drops: int) -> float:
    if recipe.schedule == "poly":
        left = 1 - min(1.0, step / (steps_an_epoch * recipe.epochs))
        return left**recipe.decay_power
    if recipe.schedule == "step":
        drops = step // steps_an_epoch // recipe.decay_epochs
    elif recipe.schedule == "constant":
        drops = 0
    return max(recipe.least_rate, recipe.decay_factor**drops) if drops else 1.0


def plateau_drops(scores: Sequence[float], *, patience: int) -> int:
    """Returns how often a rate has to fall after some finished epochs of a stage.

    It falls after `patience` epochs that were no better than the best before them, and
    then waits as long again.

    Args:
        scores: Of each epoch, larger is better; NaN counts as no better.
        patience: In epochs.
    """
    best, waited, drops = -math.inf, 0, 0
    for score in scores:
        if score > best:
            best, waited = score, 0
            continue
        waited += 1
        if waited >= patience:
            drops, waited = drops + 1, 0
    return drops
