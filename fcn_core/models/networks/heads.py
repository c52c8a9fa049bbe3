"""Scores from the deepest features of a backbone; every layer's name is `head_...`."""

from typing import Any

from keras import layers

from fcn_core.models.layers import GlobalMean
from fcn_core.models.spec import ModelSpec


def score_head(features: Any, spec: ModelSpec) -> Any:
    """Returns class scores `[B, h, w, classes]` of features `[B, h, w, F]`.

    The head is that of the backbone. In the geometries `caffe` and `valid` VGG's head
    returns 6 cells less a side.
    """
    head = {
        "convolutional": convolutional_head,
        "pooled": pooled_head,
        "linear": linear_head,
    }[spec.backbone_row.head]
    return head(features, spec)


def convolutional_head(features: Any, spec: ModelSpec) -> Any:
    """Runs VGG's classifier as convolutions: 7x7, 1x1, scores; dropout between.

    At an output stride below 32 the 7x7 is dilated, so that it sees the same pixels.
    """
    x = layers.Conv2D(
        spec.head_width,
        7,
        padding="same" if spec.geometry == "same" else "valid",
        dilation_rate=32 // spec.output_stride,
        activation="relu",
        name="head_fc6",
    )(features)
    x = layers.Dropout(spec.dropout, name="head_dropout6")(x)
    x = layers.Conv2D(spec.head_width, 1, activation="relu", name="head_fc7")(x)
    x = layers.Dropout(spec.dropout, name="head_dropout7")(x)
    return layers.Conv2D(spec.classes, 1, name="head_score")(x)


def pooled_head(features: Any, spec: ModelSpec) -> Any:
    """Runs DeepLab-v3's light head for MobileNets (Chen et al., 2017, section 3.3).

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


def linear_head(features: Any, spec: ModelSpec) -> Any:
    """Runs a 1x1 convolution, as on ResNet."""
    x = layers.Dropout(spec.dropout, name="head_dropout")(features)
    return layers.Conv2D(spec.classes, 1, name="head_score")(x)
