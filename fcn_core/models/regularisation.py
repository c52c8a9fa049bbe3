"""Adds to a finished network what training needs: penalties, frozen layers."""

from collections.abc import Iterator
from typing import Any

import keras

_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")


def add_l2(model: keras.Model, strength: float) -> None:
    """Adds `strength * sum(kernel**2)` of each trainable kernel to `model.losses`."""
    penalty = keras.regularizers.L2(strength)
    for layer in every_layer(model):
        for variable in layer.trainable_variables:
            if variable.name in _KERNELS:
                variable.regularizer = penalty


def freeze_batch_norm(model: keras.Model) -> None:
    """Keeps scales, offsets and statistics as they are, in training too."""
    for layer in every_layer(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def every_layer(model: keras.Model) -> Iterator[Any]:
    """Yields the layers of a model, with those of nested models in their place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from every_layer(layer)
        else:
            yield layer
