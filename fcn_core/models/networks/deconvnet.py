"""DeconvNet (Noh, Hong and Han, 2015, figure 2): VGG and its mirror image.

A 7x7 convolution without padding takes VGG's features to `fc6`, a transposed one takes
them back, and five stages mirror VGG's blocks: unpooling, then transposed 3x3
convolutions with batch norm. The middle is convolutional too, so photos may have any
size from 193 pixels a side on, where fc6 just fits.
"""

from typing import Any

import keras
from keras import layers

from fcn_core.models.layers import MinimumSide, Preprocess
from fcn_core.models.networks.features import photo_input
from fcn_core.models.networks.switches import PoolWithSwitches, RepeatLike, Unpool
from fcn_core.models.spec import ModelSpec

_ENCODER = {
    "vgg16": ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
    "vgg19": ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),
}
_DECODER = {
    5: (512, 512, 512),
    4: (512, 512, 256),
    3: (256, 256, 128),
    2: (128, 64),
    1: (64, 64),
}
"""Channels of the transposed convolutions that mirror each block."""


def deconvolution_network(spec: ModelSpec) -> keras.Model:
    """Builds the network of a `deconvnet` or `deconvnet_repeat` spec, untrained.

    Returns:
        RGB 0..255 float `[B, H, W, 3]`, H and W >= 193, -> logits float
        `[B, H, W, classes]`.
    """
    images = photo_input()
    x = MinimumSide(spec.minimum_side, name="minimum_side")(images)
    x = Preprocess(spec.preprocessing, spec.rgb_mean or None, name="preprocess")(x)
    x, ways_back = _encode(x, spec)
    x = _middle(x, spec)
    for block in reversed(range(1, 6)):
        undo = Unpool if spec.name == "deconvnet" else RepeatLike
        x = undo(name=f"head_unpool{block}")([x, ways_back[block]])
        for index, channels in enumerate(_DECODER[block], start=1):
            x = _deconvolve(
                x, _scaled(channels, spec), 3, name=f"head_deconv{block}_{index}"
            )
    logits = layers.Conv2D(spec.classes, 1, name="head_score")(x)
    return keras.Model(images, logits, name=f"{spec.name}_{spec.backbone}")


def _encode(x: Any, spec: ModelSpec) -> tuple[Any, dict[int, Any]]:
    """Runs VGG's blocks; returns also, by block, what undoes its pooling."""
    ways_back = {}
    for block, widths in enumerate(_ENCODER[spec.backbone], start=1):
        for index, channels in enumerate(widths, start=1):
            x = layers.Conv2D(
                _scaled(channels, spec),
                3,
                padding="same",
                activation="relu",
                name=f"block{block}_conv{index}",
            )(x)
        before = x
        x, switches = PoolWithSwitches(name=f"block{block}_pool")(x)
        ways_back[block] = switches if spec.name == "deconvnet" else before
    return x, ways_back


def _middle(x: Any, spec: ModelSpec) -> Any:
    """Runs fc6 and fc7, and goes back to the last block's cells."""
    channels = x.shape[-1]
    x = layers.Conv2D(spec.head_width, 7, activation="relu", name="head_fc6")(x)
    x = layers.Dropout(spec.dropout, name="head_dropout6")(x)
    x = layers.Conv2D(spec.head_width, 1, activation="relu", name="head_fc7")(x)
    x = layers.Dropout(spec.dropout, name="head_dropout7")(x)
    return _deconvolve(x, channels, 7, name="head_deconv_fc6")


def _deconvolve(x: Any, channels: int, size: int, *, name: str) -> Any:
    """Runs a transposed convolution of stride 1, batch norm and ReLU."""
    x = layers.Conv2DTranspose(
        channels, size, padding="valid" if size == 7 else "same", name=name
    )(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _scaled(channels: int, spec: ModelSpec) -> int:
    return max(1, round(channels * spec.width))
