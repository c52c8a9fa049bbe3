"""What training minimises. Backend-agnostic (`keras.ops`), no state.

Every loss is a sum over examples divided by a `total`, so that a batch can be computed
in parts, on one device or several: with the whole batch's total the parts add up to
exactly the whole batch's loss.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from fcn_core.labels import VOID


def pixel_cross_entropy(
    labels: Any,
    logits: Any,
    *,
    void: int = VOID,
    class_weights: Sequence[float] | None = None,
    smoothing: float = 0.0,
    soft: Any = None,
    soft_share: float = 0.0,
    total: Any = None,
) -> Any:
    """Returns the mean cross-entropy over the pixels that are not void.

    Adding void pixels (padding, object rims) changes nothing; a batch of nothing but
    void costs 0, not NaN.

    Args:
        labels: Class ids `[B, H, W]` of any integer or float dtype, `void` ignored.
        logits: Scores float `[B, H, W, C]`.
        void: The label that marks ignored pixels.
        class_weights: A number a class; the mean is then weighted.
        smoothing: Share of the target that is spread over all classes.
        soft: Logits `[B, H, W, C]` whose softmax is another target.
        soft_share: Share of that target.
        total: What to divide the sum by; None: the weights of these pixels, at least 1.

    Returns:
        A float scalar.
    """
    labels = ops.cast(labels, "int32")
    valid = labels != void
    # Void is no class: give those pixels some class, then leave their loss out.
    classes = ops.where(valid, labels, ops.zeros_like(labels))
    losses = ops.sparse_categorical_crossentropy(classes, logits, from_logits=True)
    if smoothing or soft_share:
        shares = ops.log_softmax(logits)
        losses = (1 - smoothing) * losses - smoothing * ops.mean(shares, axis=-1)
        if soft_share:
            soft_losses = -ops.sum(ops.softmax(soft) * shares, axis=-1)
            losses = (1 - soft_share) * losses + soft_share * soft_losses
    weights = ops.cast(valid, losses.dtype)
    if class_weights is not None:
        weights = weights * ops.take(
            ops.convert_to_tensor(class_weights, dtype=losses.dtype), classes
        )
    if total is None:
        total = ops.maximum(ops.sum(weights), 1.0)
    return ops.sum(losses * weights) / total


def jaccard_distance(
    labels: Any, logits: Any, *, void: int = VOID, total: Any = None
) -> Any:
    """Returns the mean over pixels of one minus their photo's soft IoU.

    The soft IoU of a class replaces counts of pixels by sums of probabilities (Rahman
    and Wang, 2016, Optimizing intersection-over-union); a photo's is the mean over the
    classes in its label. Unlike the cross-entropy, small objects weigh as much as large
    ones. Photos weigh as many pixels as they have that are not void.

    Args:
        labels: Class ids `[B, H, W]` of any integer or float dtype, `void` ignored.
        logits: Scores float `[B, H, W, C]`.
        void: The label that marks ignored pixels.
        total: What to divide the sum by; None: the pixels that are not void, at least
            1.

    Returns:
        A float scalar, 0 for certain and right predictions.
    """
    labels = ops.cast(labels, "int32")
    valid = ops.cast(labels != void, logits.dtype)
    classes = ops.where(labels != void, labels, ops.zeros_like(labels))
    truth = ops.one_hot(classes, logits.shape[-1], dtype=logits.dtype)
    truth = truth * valid[..., None]
    shares = ops.softmax(logits) * valid[..., None]
    overlap = ops.sum(truth * shares, axis=(1, 2))
    pixels = ops.sum(truth, axis=(1, 2))
    union = pixels + ops.sum(shares, axis=(1, 2)) - overlap
    there = ops.cast(pixels > 0, logits.dtype)
    iou = ops.sum(there * overlap / ops.maximum(union, 1.0), axis=-1)
    distance = 1 - iou / ops.maximum(ops.sum(there, axis=-1), 1.0)
    weights = ops.sum(valid, axis=(1, 2))
    if total is None:
        total = ops.maximum(ops.sum(weights), 1.0)
    return ops.sum(distance * weights) / total


def pixel_weight(
    labels: NDArray[np.integer],
    *,
    void: int = VOID,
    class_weights: Sequence[float] | None = None,
) -> float:
    """Returns the summed weights of pixels: the total of their cross-entropy.

    Args:
        labels: Class ids of any shape.
        void: The label that marks ignored pixels, which weigh nothing.
        class_weights: A number a class; None: each pixel weighs 1.
    """
    valid = labels[labels != void]
    if class_weights is None:
        return float(valid.size)
    return float(np.asarray(class_weights, np.float64)[valid].sum())


def median_frequency_weights(
    pixels: NDArray[np.integer], pixels_of_images: NDArray[np.integer]
) -> tuple[float, ...]:
    """Returns weights that make rare classes count (Eigen and Fergus, 2015).

    Args:
        pixels: Pixels of each class, int `[C]`.
        pixels_of_images: Int `[C]`, all pixels of the images that show it, void left
            out.

    Returns:
        Median frequency / frequency, 0 for a class that does not occur.
    """
    there = pixels > 0
    frequency = pixels[there] / pixels_of_images[there]
    weights = np.zeros(len(pixels))
    weights[there] = np.median(frequency) / frequency
    return tuple(weights.tolist())


def earth_movers_distance(
    targets: Any, ratings: Any, *, power: float = 2.0, total: Any = None
) -> Any:
    """Returns the mean distance between ratings (Talebi and Milanfar, 2018, eq. 1).

    `((1/R) * sum_k |CDF_target(k) - CDF_rating(k)| ** power) ** (1/power)` an image,
    then averaged. Training uses power 2; published tables often use 1.

    Args:
        targets: Shares float `[B, R]`, each row sums to 1.
        ratings: Shares float `[B, R]`, each row sums to 1.
        power: The exponent r.
        total: What to divide the sum by; None: the number of images.

    Returns:
        A float scalar, 0 for equal distributions.
    """
    difference = ops.cumsum(targets, axis=-1) - ops.cumsum(ratings, axis=-1)
    powers = ops.mean(ops.abs(difference) ** power, axis=-1)
    # The root's slope is infinite at 0, where the gradient must be 0 instead of NaN.
    positive = powers > 0
    roots = ops.where(positive, powers, ops.ones_like(powers)) ** (1 / power)
    distances = ops.where(positive, roots, ops.zeros_like(roots))
    return ops.mean(distances) if total is None else ops.sum(distances) / total
