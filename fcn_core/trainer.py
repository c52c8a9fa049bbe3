"""One epoch of gradient steps: groups of layers with their own rates.

Adam-like optimizers do not feel a scaled gradient, so a slower group needs an optimizer
of its own; all of them follow one schedule.
"""

import logging
import math
import time
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from fcn_core.models import layer_group
from fcn_core.objectives import Objective
from fcn_core.recipes import Recipe

_SECONDS_BETWEEN_LINES: Final = 20

_log = logging.getLogger(__name__)


class TrainingError(Exception):
    """Training cannot go on; the message says why and what helps."""


class Trainer:
    """A model, its objective and its optimizers.

    Args:
        model: Trained in place; frozen groups are made untrainable.
        recipe: Rates, schedule, weight decay.
        objective: What the loss is.
        steps: Steps of the whole run, for the schedule.
    """

    def __init__(
        self, model: keras.Model, recipe: Recipe, objective: Objective, *, steps: int
    ) -> None:
        self._model = model
        self._objective = objective
        _freeze(model, recipe)
        self._groups = {
            group: variables
            for group in recipe.rates
            if (variables := _trainable_variables(model, group))
        }
        if not self._groups:
            raise TrainingError(
                f"the recipe's rates {recipe.rates} leave nothing to train, expected "
                "at least one group above 0"
            )
        self._optimizers = {
            group: _optimizer(recipe, recipe.rates[group], steps=steps)
            for group in self._groups
        }
        for group, optimizer in self._optimizers.items():
            optimizer.build(self._groups[group])
        self._step = tf.function(self._gradient_step, reduce_retracing=True)

    def run_epoch(self, batches: Any, *, steps: int, seed: int, label: str) -> float:
        """Makes one pass and returns the mean loss of its steps.

        Raises:
            TrainingError: The loss is not finite.
        """
        for layer in self._model.layers:
            # A resumed run must draw the dropout it would have drawn.
            generator = getattr(layer, "seed_generator", None)
            if generator is not None:
                generator.state.assign(np.array([seed, 0], np.uint32))
        total, done, spoken = 0.0, 0, time.monotonic()
        start = spoken
        for batch in batches:
            loss = float(self._step(batch))
            done += 1
            if not math.isfinite(loss):
                raise TrainingError(
                    f"{label}: the loss of step {done} is {loss}, expected a finite "
                    "number; lower --learning_rate and start again"
                )
            total += loss
            if time.monotonic() - spoken > _SECONDS_BETWEEN_LINES:
                spoken = time.monotonic()
                left = (spoken - start) / done * (steps - done)
                mean = total / done
                _log.info(
                    "%s: step %d/%d, loss %.4f, %.0f s left",
                    label,
                    done,
                    steps,
                    mean,
                    left,
                )
        return total / max(1, done)

    def _gradient_step(self, batch: tuple[Any, ...]) -> Any:
        with tf.GradientTape() as tape:
            logits = self._model(tf.cast(batch[0], tf.float32), training=True)
            loss = self._objective.loss(logits, batch)
        gradients = tape.gradient(loss, self._groups)
        for group, optimizer in self._optimizers.items():
            optimizer.apply(gradients[group], self._groups[group])
        return loss

    def save(self, path: Path) -> None:
        """Writes the optimizers' state (`.npz`)."""
        state: Any = {name: np.asarray(v) for name, v in self._state().items()}
        np.savez(path, **state)

    def restore(self, path: Path) -> None:
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as state:
            for name, variable in self._state().items():
                variable.assign(state[name])

    def _state(self) -> dict[str, Any]:
        return {
            f"{group}-{number}": variable
            for group, optimizer in self._optimizers.items()
            for number, variable in enumerate(optimizer.variables)
        }


def _freeze(model: keras.Model, recipe: Recipe) -> None:
    """A frozen batch norm also keeps its statistics: Keras runs it as in inference."""
    for layer in model.layers:
        group = layer_group(layer.name)
        loaded_norm = group == "backbone" and isinstance(
            layer, keras.layers.BatchNormalization
        )
        frozen = recipe.rates.get(group, 0) == 0
        layer.trainable = not (frozen or (loaded_norm and recipe.freeze_batch_norm))


def _trainable_variables(model: keras.Model, group: str) -> list[Any]:
    return [
        variable
        for layer in model.layers
        if layer_group(layer.name) == group
        for variable in layer.trainable_variables
    ]


def _optimizer(recipe: Recipe, multiplier: float, *, steps: int) -> Any:
    rate = recipe.learning_rate * multiplier
    schedule = keras.optimizers.schedules.PolynomialDecay(
        rate, decay_steps=steps, end_learning_rate=0.0, power=recipe.decay_power
    )
    optimizer = keras.optimizers.AdamW(
        schedule if recipe.decay_power else rate, weight_decay=recipe.weight_decay
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer
