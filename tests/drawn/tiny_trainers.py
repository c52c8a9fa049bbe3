"""A tiny model, its trainer and drawn batches, for tests of steps."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import tensors_of
from fcn_core.recipes.recipe import Recipe
from fcn_core.training.batches import Batch
from fcn_core.training.objectives.segmentation import SegmentationObjective
from fcn_core.training.trainer import Trainer
from tests.drawn.tiny_recipes import SEGMENTATION

SPEC = ModelSpec(backbone="vgg16", width=0.05, head_width=6, classes=3, dropout=0.0)


TINY = replace(SEGMENTATION, model=SPEC, learning_rate=0.01, optimizer="sgd")


CALM = replace(TINY, schedule="constant", momentum=0.0, learning_rate=1e-4)


def drawn_batch(seed: int, sizes: tuple[tuple[int, int], ...] = ((32, 32),)) -> Batch:
    """Four examples of each size, each with its own share of void."""
    rng = np.random.default_rng(seed)
    batch: Batch = []
    for size in sizes:
        photos = rng.integers(0, 256, (4, *size, 3), np.uint8)
        labels = (photos[..., 0] // 100).astype(np.uint8)
        for number, label in enumerate(labels):
            label[: 3 * number] = 255
        batch.append((photos, labels))
    return batch


def fresh(recipe: Recipe) -> tuple[keras.Model, Callable[..., Trainer]]:
    """The same model each time, and a maker of its trainer."""
    keras.utils.set_random_seed(3)
    model = build(recipe.model)
    objective = SegmentationObjective(
        recipe.model, recipe, classes=["a", "b", "c"], void=255
    )

    def trainer(**options: Any) -> Trainer:
        return Trainer(model, recipe, objective, steps=3, **options)

    return model, trainer


def trained(recipe: Recipe, batches: list[Batch]) -> dict[str, np.ndarray]:
    model, trainer = fresh(recipe)
    trainer().run_epoch(batches, epoch=1, seed=0, label="test")
    return tensors_of(model)


@contextlib.contextmanager
def eagerly() -> Iterator[None]:
    """Runs functions eagerly: tracing takes longer than a few steps."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
