"""Any network of `keras.applications` as a backbone: its deepest features, stride 32.

It becomes one layer of our network, as Keras builds it. Its inner layers may carry
automatic names, which change with what else a process has built, so its weights are
known by their order.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from fcn_core.models.layers import Features, PadToMultiple

NESTED_NAME = "application"
"""Name of the layer that holds the whole network."""

STRIDE = 32
"""Pixels between its deepest features, for every network of the table."""


def application_features(
    application: Callable[..., keras.Model],
    images: Any,
    *,
    width: float,
    output_stride: int,
    margin: tuple[int, int],
) -> Features:
    """Runs an application on images padded to multiples of its stride.

    Args:
        application: A builder of `keras.applications`.
        images: Preprocessed, `[B, H, W, 3]`, any H and W >= 1.
        width: 1.0, or a channel multiplier if the application has one (`alpha`).
        output_stride: 32, the only stride that applications have.
        margin: Zero pixels before and after each axis.

    Returns:
        `{32: [B, ceil(H/32), ceil(W/32), channels]}`.

    Raises:
        ValueError: The application cannot be made narrower.
    """
    del output_stride
    x = PadToMultiple(STRIDE, name="pad_to_stride")(images)
    if any(margin):
        x = layers.ZeroPadding2D((margin, margin), name="pad_margin")(x)
    return {STRIDE: build_application(application, width)(x)}


def build_application(
    application: Callable[..., keras.Model], width: float = 1.0
) -> keras.Model:
    """Builds an application without top, for any size, with random weights.

    Raises:
        ValueError: It has no channel multiplier, but `width` is not 1.
    """
    options = {} if width == 1.0 else {"alpha": width}
    try:
        return application(
            weights=None,
            include_top=False,
            input_shape=(None, None, 3),
            name=NESTED_NAME,
            **options,
        )
    except TypeError:
        raise ValueError(
            f"width of {application.__name__}: got {width}, expected 1.0, as it has no "
            "channel multiplier; leave the width out"
        ) from None


def inner_names(network: keras.Model) -> list[str]:
    """Returns `layer/weight` of each weight of a nested application, in its order."""
    names = {
        id(variable): f"{layer.name}/{variable.name}"
        for layer in network.layers
        for variable in layer.weights
    }
    return [names[id(variable)] for variable in network.weights]
