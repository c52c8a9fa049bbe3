"""FCN-32s, FCN-16s and FCN-8s (Long, Shelhamer and Darrell, 2015, figure 3).

A coarse score map at the backbone's output stride is doubled step by step; at each
finer stride a 1x1 convolution of that stride's features is added. Those skips start at
zero, so a finer network starts exactly where the coarser one ended. The logits stay at
the finest stride: whoever needs pixels upsamples them (losses, evaluation, scoring).
"""

from typing import Any

import keras
from keras import layers

from fcn_core.models.layers import (
    BilinearUpsampling,
    CropLike,
    GlobalMean,
    Preprocess,
)
from fcn_core.models.spec import ModelSpec


def segmentation_network(spec: ModelSpec) -> keras.Model:
    """Builds the network of a segmentation spec, untrained.

    Returns:
        RGB 0..255 float `[B, H, W, 3]`, any H and W >= 1, -> logits float
        `[B, ceil(H/s), ceil(W/s), classes]` at stride `s = spec.logits_stride`.
    """
    row = spec.backbone_row
    images = keras.Input((None, None, 3), name="images")
    x = Preprocess(row.preprocessing, name="preprocess")(images)
    features = row.build(x, spec.width, spec.output_stride)
    head = convolutional_head if row.head == "convolutional" else pooled_head
    logits = head(features[spec.output_stride], spec)
    stride = spec.output_stride
    while stride > spec.logits_stride:
        stride //= 2
        logits = add_skip(logits, features[stride], stride=stride, spec=spec)
    return keras.Model(images, logits, name=f"{spec.name}_{spec.backbone}")


def convolutional_head(features: Any, spec: ModelSpec) -> Any:
    """VGG's classifier as convolutions: 7x7, 1x1, scores; dropout between."""
    x = layers.Conv2D(
        spec.head_width, 7, padding="same", activation="relu", name="head_fc6"
    )(features)
    x = layers.Dropout(spec.dropout, name="head_dropout6")(x)
    x = layers.Conv2D(spec.head_width, 1, activation="relu", name="head_fc7")(x)
    x = layers.Dropout(spec.dropout, name="head_dropout7")(x)
    return layers.Conv2D(spec.classes, 1, name="head_score")(x)


def pooled_head(features: Any, spec: ModelSpec) -> Any:
    """DeepLab-v3's light head for MobileNets (Chen et al., 2017, section 3.3).

    A 1x1 convolution beside one of the globally pooled features. Their concatenation
    followed by a 1x1 convolution is written as the sum of two 1x1 convolutions: the
    same numbers, without a map of the pooled vector.
    """
    width = spec.head_width
    local = layers.Conv2D(width, 1, activation="relu", name="head_local")(features)
    pooled = GlobalMean(name="head_pool")(features)
    pooled = layers.Conv2D(width, 1, activation="relu", name="head_context")(pooled)
    local = layers.Conv2D(width, 1, name="head_project_local")(local)
    pooled = layers.Conv2D(width, 1, use_bias=False, name="head_project_context")(
        pooled
    )
    x = layers.Add(name="head_sum")([local, pooled])
    x = layers.ReLU(name="head_relu")(x)
    x = layers.Dropout(spec.dropout, name="head_dropout")(x)
    return layers.Conv2D(spec.classes, 1, name="head_score")(x)


def add_skip(coarse: Any, features: Any, *, stride: int, spec: ModelSpec) -> Any:
    """Doubles the coarse logits and adds a zero-initialised score of finer features."""
    doubled = BilinearUpsampling(2, spec.alignment, name=f"upsample_stride{stride}")(
        coarse
    )
    skip = layers.Conv2D(
        spec.classes, 1, kernel_initializer="zeros", name=f"skip_stride{stride}"
    )(features)
    doubled = CropLike(name=f"crop_stride{stride}")([doubled, skip])
    return layers.Add(name=f"fuse_stride{stride}")([doubled, skip])
