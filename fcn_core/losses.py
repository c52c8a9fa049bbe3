"""What training minimises. Backend-agnostic (`keras.ops`), no state."""

from typing import Any

from keras import ops

from fcn_core.labels import VOID


def pixel_cross_entropy(labels: Any, logits: Any, *, void: int = VOID) -> Any:
    """Mean cross-entropy over the pixels that are not void.

    Adding void pixels (padding, object rims) changes nothing; a batch of nothing but
    void costs 0, not NaN.

    Args:
        labels: class ids `[B, H, W]` of any integer or float dtype, `void` ignored.
        logits: float `[B, H, W, C]`.
        void: The label that marks ignored pixels.

    Returns:
        A float scalar.
    """
    labels = ops.cast(labels, "int32")
    valid = labels != void
    # Void is no class: give those pixels some class, then leave their loss out.
    classes = ops.where(valid, labels, ops.zeros_like(labels))
    losses = ops.sparse_categorical_crossentropy(classes, logits, from_logits=True)
    weights = ops.cast(valid, losses.dtype)
    return ops.sum(losses * weights) / ops.maximum(ops.sum(weights), 1.0)


def earth_movers_distance(targets: Any, ratings: Any, *, power: float = 2.0) -> Any:
    """Mean distance between rating distributions (Talebi and Milanfar, 2018, eq. 1).

    `((1/R) * sum_k |CDF_target(k) - CDF_rating(k)| ** power) ** (1/power)` an image,
    then averaged. Training uses power 2; published tables often use 1.

    Args:
        targets: float `[B, R]`, each row sums to 1.
        ratings: float `[B, R]`, each row sums to 1.
        power: The exponent r.

    Returns:
        A float scalar, 0 for equal distributions.
    """
    difference = ops.cumsum(targets, axis=-1) - ops.cumsum(ratings, axis=-1)
    powers = ops.mean(ops.abs(difference) ** power, axis=-1)
    # The root's slope is infinite at 0, where the gradient must be 0 instead of NaN.
    positive = powers > 0
    roots = ops.where(positive, powers, ops.ones_like(powers)) ** (1 / power)
    return ops.mean(ops.where(positive, roots, ops.zeros_like(roots)))
