"""Ratings of whole photos from maps of cells.

In `rating_network` every cell of 16 pixels votes. Sharpness, noise and compression show
in the early, high-resolution features; deep features are trained to ignore them. So its
head reads only strides 2 to 8 beside the mean and the mean square of the pixels
(brightness, contrast, clipping), and the backbone ends there: a fraction of the cost of
a segmentation network. `sampled_network` is the same on a quarter of the pixels: what
spoils a photo is rarely in few places. `classifier` holds the networks that use deep
features.
"""

from typing import Any

import keras
from keras import layers, ops

from fcn_core.models.cell_moments import CellMoments
from fcn_core.models.layers import Features, WithZero
from fcn_core.models.networks.features import extract, photo_input
from fcn_core.models.sampled_windows import CellsOf, SampledWindows
from fcn_core.models.spec import RATING_STRIDE, ModelSpec

FEATURE_STRIDES = (2, 4, 8)

RATING_WIDTH = 64
"""Hidden channels of a rating head beside a segmentation."""


def rating_network(spec: ModelSpec) -> keras.Model:
    """Builds the network of an aesthetics spec, untrained.

    Returns:
        RGB 0..255 float `[B, H, W, 3]` -> logits float `[B, ceil(H/16), ceil(W/16),
        channels]`, for each cell; `pool_cells` makes them the photo's.
    """
    images = photo_input()
    logits = _scores(images, spec)
    return keras.Model(images, logits, name=f"{spec.name}_{spec.backbone}")


def sampled_network(spec: ModelSpec) -> keras.Model:
    """Builds the same network for windows of photos at their own resolution.

    Cells of 16 pixels of a window stand for cells of 32 pixels of its block, so that
    those beyond the photo are left out where cells are pooled.

    Returns:
        RGB 0..255 float `[B, H, W, 3]` -> logits float `[B, ceil(H/32), ceil(W/32),
        channels]`, as `rating_network`.
    """
    images = photo_input()
    windows = SampledWindows(name="windows")(images)
    cells = CellsOf(spec.logits_stride, name="cells")([_scores(windows, spec), images])
    return keras.Model(images, cells, name=f"{spec.name}_{spec.backbone}")


def _scores(images: Any, spec: ModelSpec) -> Any:
    return rating_head(
        images,
        extract(images, spec),
        classes=spec.classes,
        width=spec.head_width,
        dropout=spec.dropout,
    )


def rating_head(
    images: Any,
    features: Features,
    *,
    classes: int,
    width: int,
    dropout: float,
    prefix: str = "head",
) -> Any:
    """Rates each cell of 16 pixels, from its pixels and features of strides 2 to 8.

    Args:
        images: RGB 0..255.
        features: By stride.
        classes: Rating bins; 1 is a regression, see `ModelSpec.rating_bins`.
        width: Hidden channels.
        dropout: Rate while training, 0..1.
        prefix: Of its layers' names.

    Returns:
        Logits float `[B, ceil(H/16), ceil(W/16), channels]`.
    """
    scaled = layers.Rescaling(1 / 255, name=f"{prefix}_pixels")(images)
    moments = CellMoments(RATING_STRIDE, name=f"{prefix}_moments")(scaled)
    cells = [
        cell_means(features[stride], stride, f"{prefix}_mean_stride{stride}")
        for stride in FEATURE_STRIDES
    ]
    x = layers.Concatenate(name=f"{prefix}_features")([moments, *cells])
    x = layers.BatchNormalization(momentum=0.98, name=f"{prefix}_norm")(x)
    x = layers.Conv2D(width, 1, activation="relu", name=f"{prefix}_hidden1")(x)
    x = layers.Dropout(dropout, name=f"{prefix}_dropout")(x)
    x = layers.Conv2D(
        width, 3, padding="same", activation="relu", name=f"{prefix}_hidden2"
    )(x)
    logits = layers.Conv2D(classes, 1, name=f"{prefix}_score")(x)
    return as_bins(logits, classes=classes, name=f"{prefix}_bins")


def as_bins(logits: Any, *, classes: int, name: str) -> Any:
    """Adds a channel of zeros to a regression's single channel z; others stay.

    The softmax of (0, z) over the bins 1 and 10 has the mean 1 + 9 sigmoid(z), so a
    regression is pooled, exported and scored like any distribution of ratings.
    """
    if classes > 1:
        return logits
    return WithZero(name=name)(logits)


def cell_means(features: Any, stride: int, name: str) -> Any:
    """Returns the means of features at a stride over each cell of 16 pixels."""
    window = RATING_STRIDE // stride
    return layers.AveragePooling2D(window, padding="same", name=name)(features)


def pool_cells(logits: Any, sizes: Any, *, spec: ModelSpec) -> Any:
    """Pools the logits of the cells on the photo: the mean, or the spec's maximum.

    A cell counts if the pixel that it sits on is inside, at least one cell a side: the
    rule of `fcn_core.geometry.valid_cells`. Cells on padding have no influence at all.

    Args:
        logits: Float `[B, h, w, R]`.
        sizes: Int `[B, 2]`: valid height and width in pixels, content top-left.
        spec: Which network made the logits: its stride and alignment.

    Returns:
        Float `[B, R]`.
    """
    _, height, width, _ = ops.shape(logits)
    stride = spec.logits_stride
    offset = 0 if spec.alignment == "corner" else stride - 1
    cells = ops.maximum(1, -((offset - 2 * sizes) // (2 * stride)))
    rows = ops.arange(height)[None, :] < cells[:, :1]
    columns = ops.arange(width)[None, :] < cells[:, 1:]
    valid = ops.cast(rows[:, :, None] & columns[:, None, :], logits.dtype)[..., None]
    if spec.pooling == "max":
        # Large but finite: 0 * infinity would not be a number.
        return ops.max(logits * valid - (1 - valid) * 1e30, axis=(1, 2))
    return ops.sum(logits * valid, axis=(1, 2)) / ops.sum(valid, axis=(1, 2))
