"""Batch norms of random weights get statistics to stand on."""

from collections.abc import Iterable

import keras

from fcn_core.models.regularisation import every_layer
from fcn_core.training.batches import Batch


def measure_norms(model: keras.Model, batches: Iterable[Batch]) -> None:
    """Gives every batch norm of a network of random weights measured statistics.

    Norms that begin as the identity normalise nothing. Kept so, as recipes keep them,
    they let the signal die out: MobileNetV2's deepest features are then 1e-11 times
    its photos, and only biases learn.

    Args:
        model: Its norms are changed, each by what those before it let through.
        batches: Photos to measure; of these the first batch's of the first size.
    """
    norms = [
        layer
        for layer in every_layer(model)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not norms:
        return
    first_piece, *_ = next(iter(batches))
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(keras.ops.cast(first_piece[0], "float32"), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
