"""Classifiers of whole photos on deep features, fully convolutional and not.

`classifier_network` scores every cell of 32 pixels; `ratings.pool_cells` and then a
softmax make the photo's distribution, so that it sums to 1 however cells are pooled.
`baseline_network` is the usual classifier for one size, to compare with. (Apostolidis
and Mezaris, 2019.)
"""

from typing import Any

import keras
from keras import layers

from fcn_core.models.backbones.table import builder
from fcn_core.models.layers import Features, Preprocess
from fcn_core.models.networks.features import extract, photo_input
from fcn_core.models.networks.heads import convolutional_head, linear_head
from fcn_core.models.networks.ratings import as_bins
from fcn_core.models.spec import ModelSpec

LOW_STRIDE = 4
"""Stride of the low-level features a classifier may see (VGG's block2_pool)."""

LOW_CHANNELS = 128


def classifier_network(spec: ModelSpec) -> keras.Model:
    """Builds the network of a `classifier` spec, untrained.

    Returns:
        RGB 0..255 float `[B, H, W, 3]` -> logits float `[B, ceil(H/32), ceil(W/32),
        channels]`; in the geometry `valid` `[B, H // 32 - 6, W // 32 - 6, channels]`.
    """
    images = photo_input()
    features = extract(images, spec)
    deep = features[spec.output_stride]
    if spec.low_level:
        deep = layers.Concatenate(name="head_levels")(
            [_low_level(features, spec), deep]
        )
    convolutional = spec.backbone_row.head == "convolutional"
    # DeepLab's pooled head would let padding into every cell.
    logits = (
        convolutional_head(deep, spec) if convolutional else linear_head(deep, spec)
    )
    logits = as_bins(logits, classes=spec.classes, name="head_bins")
    return keras.Model(images, logits, name=f"{spec.name}_{spec.backbone}")


def _low_level(features: Features, spec: ModelSpec) -> Any:
    """Brings early features to the deep grid by the maxima of cells, for any size."""
    x = layers.Conv2D(
        max(1, round(LOW_CHANNELS * spec.width)), 1, activation="relu", name="head_low"
    )(features[LOW_STRIDE])
    return layers.MaxPooling2D(
        spec.output_stride // LOW_STRIDE,
        padding="valid" if spec.geometry == "valid" else "same",
        name="head_low_pool",
    )(x)


def baseline_network(spec: ModelSpec) -> keras.Model:
    """Builds the network of a `baseline` spec, untrained.

    Returns:
        RGB 0..255 float `[B, S, S, 3]`, S the backbone's `classifier_side`, -> logits
        float `[B, channels]`: Flatten and three Dense layers on VGG, global average
        pooling and one Dense layer on others.
    """
    row = spec.backbone_row
    side = row.classifier_side
    images = keras.Input((side, side, 3), name="images")
    x = Preprocess(spec.preprocessing, spec.rgb_mean or None, name="preprocess")(images)
    stride = spec.output_stride
    features = builder(row)(x, width=spec.width, output_stride=stride)[stride]
    if row.head == "convolutional":
        x = layers.Flatten(name="head_flatten")(features)
        x = layers.Dense(spec.head_width, activation="relu", name="head_fc6")(x)
        x = layers.Dropout(spec.dropout, name="head_dropout6")(x)
        x = layers.Dense(spec.head_width, activation="relu", name="head_fc7")(x)
        x = layers.Dropout(spec.dropout, name="head_dropout7")(x)
    else:
        x = layers.GlobalAveragePooling2D(name="head_pool")(features)
        x = layers.Dropout(spec.dropout, name="head_dropout")(x)
    logits = layers.Dense(spec.classes, name="head_score")(x)
    return keras.Model(images, logits, name=f"{spec.name}_{spec.backbone}")
