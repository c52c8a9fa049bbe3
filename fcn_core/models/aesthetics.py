"""A fully convolutional rating network: every cell of 16 pixels votes on the photo.

Sharpness, noise and compression live in the early, high-resolution features: the deep
ones are trained to ignore them. So the head reads only strides 2 to 8 beside the mean
and the mean square of the pixels (brightness, contrast, clipping), and the backbone
ends there: a fraction of the cost of a segmentation network.
"""

from typing import Any

import keras
from keras import layers, ops

from fcn_core.models.layers import Preprocess
from fcn_core.models.spec import RATING_STRIDE, ModelSpec

FEATURE_STRIDES = (2, 4, 8)


def rating_network(spec: ModelSpec) -> keras.Model:
    """Builds the network of an aesthetics spec, untrained.

    Returns:
        RGB 0..255 float `[B, H, W, 3]` -> logits float `[B, ceil(H/16), ceil(W/16),
        classes]`, one a cell; `pool_cells` makes them the photo's.
    """
    row = spec.backbone_row
    images = keras.Input((None, None, 3), name="images")
    x = Preprocess(row.preprocessing, name="preprocess")(images)
    features = row.build(x, spec.width, spec.output_stride)
    scaled = layers.Rescaling(1 / 255, name="head_pixels")(images)
    squares = layers.Multiply(name="head_squares")([scaled, scaled])
    cells = [cell_means(scaled, 1, "pixels"), cell_means(squares, 1, "squares")]
    cells += [
        cell_means(features[stride], stride, f"stride{stride}")
        for stride in FEATURE_STRIDES
    ]
    x = layers.Concatenate(name="head_features")(cells)
    x = layers.BatchNormalization(momentum=0.98, name="head_norm")(x)
    x = layers.Conv2D(spec.head_width, 1, activation="relu", name="head_hidden1")(x)
    x = layers.Dropout(spec.dropout, name="head_dropout")(x)
    x = layers.Conv2D(
        spec.head_width, 3, padding="same", activation="relu", name="head_hidden2"
    )(x)
    logits = layers.Conv2D(spec.classes, 1, name="head_score")(x)
    return keras.Model(images, logits, name=f"{spec.name}_{spec.backbone}")


def cell_means(features: Any, stride: int, name: str) -> Any:
    """Means over each cell of 16 pixels, of features at a stride."""
    window = RATING_STRIDE // stride
    return layers.AveragePooling2D(window, padding="same", name=f"head_mean_{name}")(
        features
    )


def pool_cells(logits: Any, sizes: Any, *, spec: ModelSpec) -> Any:
    """Mean of the logits of the cells that lie on the photo.

    A cell counts if the pixel it sits on is inside, at least one a side: the rule of
    `fcn_core.scorers.valid_cells`.

    Args:
        logits: float `[B, h, w, R]`.
        sizes: int `[B, 2]` valid height and width in pixels, content top-left.
        spec: Which network made the logits: its stride and alignment.

    Returns:
        float `[B, R]`.
    """
    _, height, width, _ = ops.shape(logits)
    stride = spec.logits_stride
    offset = 0 if spec.alignment == "corner" else stride - 1
    cells = ops.maximum(1, -((offset - 2 * sizes) // (2 * stride)))
    rows = ops.arange(height)[None, :] < cells[:, :1]
    columns = ops.arange(width)[None, :] < cells[:, 1:]
    valid = ops.cast(rows[:, :, None] & columns[:, None, :], logits.dtype)[..., None]
    return ops.sum(logits * valid, axis=(1, 2)) / ops.sum(valid, axis=(1, 2))
