"""The small backbone of technical quality: what pixels look like, not what they show.

Blur, noise and compression show in squares of a few pixels. Squares of 4 side by side
become channels at once, which costs a fifteenth of MobileNetV2's first blocks; a second
convolution sees 12 pixels, so the borders of JPEG's blocks of 8. Nobody has published
weights of it: it begins at random and learns from any photos in minutes.
"""

from typing import Any, Final

from keras import layers

from fcn_core.models.layers import Features, PadToMultiple

_CHANNELS: Final = 32

STRIDE: Final = 16
"""Sides are padded to multiples of it, so every square is whole."""


def texture(images: Any, *, width: float, output_stride: int) -> Features:
    """Runs two convolutions on preprocessed `[B, H, W, 3]`; returns features by stride.

    Args:
        images: Any H and W >= 1.
        width: Channel multiplier.
        output_stride: 16, where the head averages the features to.
    """
    del output_stride
    channels = max(8, round(_CHANNELS * width))
    x = PadToMultiple(STRIDE, name="pad_to_stride")(images)
    finest = _convolution(x, channels, size=4, stride=4, name="texture1")
    coarser = _convolution(finest, channels, size=3, stride=2, name="texture2")
    return {4: finest, 8: coarser}


def _convolution(x: Any, channels: int, *, size: int, stride: int, name: str) -> Any:
    x = layers.Conv2D(
        channels, size, strides=stride, padding="same", use_bias=False, name=name
    )(x)
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.98, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
