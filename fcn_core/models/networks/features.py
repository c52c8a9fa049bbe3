"""The first part of every network: photos in, features by stride out."""

from typing import Any

import keras
from keras import layers

from fcn_core.models.backbones.table import builder
from fcn_core.models.layers import Features, MinimumSide, Preprocess
from fcn_core.models.spec import ModelSpec

CAFFE_PADDING = 100
"""Zero pixels that the FCN paper's release adds on each side (its conv1_1)."""


def photo_input() -> Any:
    """Returns the input of a network: RGB 0..255 float `[B, H, W, 3]`, any H and W."""
    return keras.Input((None, None, 3), name="images")


def extract(images: Any, spec: ModelSpec) -> Features:
    """Preprocesses photos and runs the backbone of a spec.

    Returns:
        Features by stride; those at `spec.output_stride` are the deepest.
    """
    x = images
    if spec.minimum_side > 1:
        x = MinimumSide(spec.minimum_side, name="minimum_side")(x)
    mean = spec.rgb_mean or None
    x = Preprocess(spec.preprocessing, mean, name="preprocess")(x)
    if spec.geometry == "caffe":
        # The first convolution adds the last pixel itself.
        x = layers.ZeroPadding2D(CAFFE_PADDING - 1, name="caffe_padding")(x)
    options: dict[str, object] = {
        "width": spec.width,
        "output_stride": spec.output_stride,
    }
    if spec.geometry == "valid":
        options["pooling"] = "valid"
    return builder(spec.backbone_row)(x, **options)
