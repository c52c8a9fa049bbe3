"""The stages of a run: each goes on with the weights of the stage before it.

A recipe without stages is a run of one stage.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import keras

from fcn_core.models.build import build, layer_group
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import SCORES, transfer
from fcn_core.recipes.recipe import Recipe
from fcn_core.records.source import Source
from fcn_core.training.initial_weights import EVERY_LAYER
from fcn_core.training.run_folder import RunFolder
from fcn_core.training.settings import spec_for
from fcn_core.training.teacher import Teacher

_POLICIES: Final = {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """A part of a run.

    Attributes:
        recipe: Its numbers, without stages.
        spec: Its network.
        first: Number of its first epoch in the run.
        before: The network of the stage before it.
    """

    recipe: Recipe
    spec: ModelSpec
    first: int
    before: ModelSpec | None

    @property
    def last(self) -> int:
        """Number of its last epoch in the run."""
        return self.first + self.recipe.epochs - 1


def stages_of(recipe: Recipe, source: Source) -> Iterator[Stage]:
    """Yields the stages of a recipe on a data set."""
    first, before = 1, None
    for part in recipe.parts():
        stage = Stage(part, spec_for(part, source), first, before)
        yield stage
        first, before = stage.last + 1, stage.spec


@contextlib.contextmanager
def place(strategy: Any, recipe: Recipe) -> Iterator[None]:
    """Puts models built inside on the strategy's devices, in the recipe's precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(_POLICIES.get(recipe.precision, "float32"))
    try:
        with strategy.scope() if strategy else contextlib.nullcontext():
            yield
    finally:
        keras.config.set_dtype_policy(before)


def model_of(run: RunFolder, stage: Stage, *, seed: int) -> keras.Model:
    """Returns the stage's network with the weights of the last finished epoch."""
    # What is new in a stage must not depend on where a killed run was resumed.
    keras.utils.set_random_seed(seed + stage.first - 1)
    model = build(stage.spec)
    weights = run.weights_path(run.epochs_done)
    if run.epochs_done < stage.first and stage.before is not None:
        previous = build(stage.before)
        previous.load_weights(weights)
        transfer(previous, model)
    else:
        model.load_weights(weights)
    return model


def teacher_of(run: RunFolder, stage: Stage) -> Teacher | None:
    """Returns the initial model, if the recipe learns from its predictions.

    None where the layer that scores classes began as chance: it knows nothing.
    """
    if not stage.recipe.soft_labels:
        return None
    if not _knows_classes(run):
        _log.info(
            "soft_labels %s: not used, the initial weights do not know these classes; "
            "this run learns from hard labels alone",
            stage.recipe.soft_labels,
        )
        return None
    model = build(stage.spec)
    model.load_weights(run.weights_path(0))
    return Teacher(
        model,
        stage.spec,
        scales=stage.recipe.teacher_scales,
        mirrored=stage.recipe.teacher_mirrored,
    )


def recipe_of(run: RunFolder, stage: Stage) -> Recipe:
    """Returns a stage's recipe, without training of what it keeps as loaded."""
    kept = stage.recipe.keep_known
    if not kept:
        return stage.recipe
    if not _knows_classes(run):
        _log.info(
            "keep_known %s: they learn, the initial weights do not know these classes",
            ", ".join(kept),
        )
        return stage.recipe
    return stage.recipe.with_frozen(kept)


def _knows_classes(run: RunFolder) -> bool:
    """Whether the layer that scores classes was loaded, not made by chance."""
    return not {SCORES, EVERY_LAYER} & set(run.record.new_layers)


def blend(run: RunFolder, stage: Stage, *, epoch: int) -> keras.Model:
    """Returns an epoch's model, its weights mixed with the initial ones.

    Layers that no initial weights were for are not mixed, except skips: these start at
    zero, which is the network without them.
    """
    model = build(stage.spec)
    model.load_weights(run.weights_path(epoch))
    share = stage.recipe.blend
    if share < 1.0:
        new = {name for name in run.record.new_layers if layer_group(name) != "skip"}
        trained = {layer.name: layer.get_weights() for layer in model.layers}
        model.load_weights(run.weights_path(0))
        for layer in model.layers:
            kept = 1.0 if layer.name in new else share
            mixed = zip(layer.get_weights(), trained[layer.name], strict=True)
            layer.set_weights([old + kept * (end - old) for old, end in mixed])
    return model
