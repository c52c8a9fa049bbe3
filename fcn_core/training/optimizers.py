"""Optimizers of layer groups with rates of their own, and averages of the weights.

Adam-like optimizers do not feel a scaled gradient, so a slower group needs an optimizer
of its own; biases are a group of their own where their rate differs. All of them follow
one schedule.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import keras
import numpy as np

from fcn_core.models.build import layer_group
from fcn_core.models.regularisation import freeze_batch_norm
from fcn_core.recipes.recipe import Recipe

_BIASES: Final = "bias"
_MOVING: Final = ("moving_mean", "moving_variance")


class GroupOptimizers:
    """The optimizers of a model, each for a group of variables.

    Attributes:
        variables: Group -> its trainable variables, in the order of gradients.

    Args:
        model: Its layers are frozen as the recipe says.
        recipe: Rates, kind, weight decay.
    """

    def __init__(self, model: keras.Model, recipe: Recipe) -> None:
        freeze(model, recipe)
        self.variables = _groups(model, recipe)
        self._rates = {name: _rate_of(name, recipe) for name in self.variables}
        self._optimizers = {
            name: _optimizer(recipe, self._rates[name]) for name in self.variables
        }
        for name, optimizer in self._optimizers.items():
            optimizer.build(self.variables[name])

    def set_factor(self, factor: float) -> None:
        """Makes every rate the recipe's times a factor."""
        for name, optimizer in self._optimizers.items():
            optimizer.learning_rate = self._rates[name] * factor

    def apply(self, gradients: dict[str, list[Any]]) -> None:
        """Makes a step with gradients by group."""
        for name, optimizer in self._optimizers.items():
            optimizer.apply(gradients[name], self.variables[name])

    def state(self) -> dict[str, keras.Variable]:
        """Returns name -> variable of everything the next step depends on."""
        return {
            f"{name}-{number}": variable
            for name, optimizer in self._optimizers.items()
            for number, variable in enumerate(optimizer.variables)
        }


class MovingAverage:
    """A moving average of the weights that training moves.

    The decay rises to its final value as `(1 + steps) / (10 + steps)`, so the first
    steps' weights are forgotten soon.

    Args:
        model: Whose weights.
        decay: 0..1, share that stays at each step.
    """

    def __init__(self, model: keras.Model, decay: float) -> None:
        self._decay = decay
        self._variables = [*model.trainable_variables, *_moving_statistics(model)]
        self._averages = [
            keras.Variable(variable, trainable=False, name=f"average_{number}")
            for number, variable in enumerate(self._variables)
        ]
        self._steps = keras.Variable(0, dtype="int32", trainable=False, name="steps")

    def update(self) -> None:
        """Adds the weights after another step."""
        self._steps.assign_add(1)
        steps = keras.ops.cast(self._steps, "float32")
        decay = keras.ops.minimum(self._decay, (1 + steps) / (10 + steps))
        for average, variable in zip(self._averages, self._variables, strict=True):
            average.assign(average + (1 - decay) * (variable - average))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Gives the model the averages, and its own weights again afterwards."""
        own = [np.asarray(variable) for variable in self._variables]
        _assign(self._variables, [np.asarray(average) for average in self._averages])
        try:
            yield
        finally:
            _assign(self._variables, own)

    def state(self) -> dict[str, keras.Variable]:
        """Returns name -> variable; averages are the model's own weights on disk."""
        own = {f"own-{n}": variable for n, variable in enumerate(self._variables)}
        return {"average-steps": self._steps, **own}

    def take_from_model(self) -> None:
        """Reads the averages that were loaded as the model's weights."""
        _assign(self._averages, [np.asarray(variable) for variable in self._variables])


def _assign(variables: Sequence[Any], values: Sequence[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _moving_statistics(model: keras.Model) -> list[Any]:
    """Returns the statistics of the batch norms that training changes."""
    return [
        weight
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        for weight in layer.non_trainable_weights
        if weight.name in _MOVING
    ]


def freeze(model: keras.Model, recipe: Recipe) -> None:
    """Makes untrainable what a recipe does not train.

    A frozen batch norm also keeps its statistics: Keras runs it as in inference.
    """
    for layer in model.layers:
        group = layer_group(layer.name)
        loaded_norm = group == "backbone" and isinstance(
            layer, keras.layers.BatchNormalization
        )
        frozen = recipe.rates.get(group, 0) == 0
        # What the builder froze (bilinear kernels) stays frozen.
        layer.trainable = layer.trainable and not (
            frozen or (loaded_norm and recipe.freeze_batch_norm)
        )
        if isinstance(layer, keras.Model) and recipe.freeze_batch_norm:
            freeze_batch_norm(layer)


def _groups(model: keras.Model, recipe: Recipe) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for layer in model.layers:
        group = layer_group(layer.name)
        for variable in layer.trainable_variables:
            apart = recipe.bias_rate != 1 and variable.name == _BIASES
            name = f"{group}-{_BIASES}" if apart else group
            groups.setdefault(name, []).append(variable)
    return {
        name: groups[name]
        for group in recipe.rates
        for name in (group, f"{group}-{_BIASES}")
        if name in groups
    }


def _rate_of(name: str, recipe: Recipe) -> float:
    group, _, biases = name.partition("-")
    bias_rate = recipe.bias_rate if biases else 1.0
    return recipe.learning_rate * recipe.rates[group] * bias_rate


def _optimizer(recipe: Recipe, rate: float) -> Any:
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=recipe.momentum)
    if recipe.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer
