"""Soft labels: what the initial model sees in a photo, from more than one look.

A photo at several sizes, and mirrored, costs a forward pass each; the mean of the
predictions is better than any of them. A student that learns it gives some of that in
one pass (Hinton et al., 2015, Distilling the knowledge in a neural network).
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fcn_core.models.spec import ModelSpec


class Teacher:
    """The mean prediction of a model over sizes of a photo, and its mirror images.

    Args:
        model: RGB 0..255 float `[B, H, W, 3]` -> logits `[B, h, w, C]`; never trained.
        spec: What it is.
        scales: Factors on the photo's sides.
        mirrored: Whether every size is also seen mirrored.
    """

    def __init__(
        self,
        model: keras.Model,
        spec: ModelSpec,
        *,
        scales: Sequence[float] = (1.0,),
        mirrored: bool = False,
    ) -> None:
        model.trainable = False
        self._model = model
        self._looks = [
            (scale, is_mirrored)
            for scale in scales
            for is_mirrored in ([False, True] if mirrored else [False])
        ]
        self._stride = spec.logits_stride
        centred = spec.alignment == "center"
        self._offset = (spec.logits_stride - 1) / 2 if centred else 0.0

    def __call__(self, images: Any) -> Any:
        """Returns logits `[B, h, w, C]` of photos `[B, H, W, 3]`, on their own grid.

        Of more than one look they are logarithms of mean probabilities.
        """
        if self._looks == [(1.0, False)]:
            return self._model(images, training=False)
        shares = [
            self._look(images, scale, is_mirrored=is_mirrored)
            for scale, is_mirrored in self._looks
        ]
        return ops.log(ops.maximum(sum(shares) / len(shares), 1e-7))

    def _look(self, images: Any, scale: float, *, is_mirrored: bool) -> Any:
        """Returns the probabilities of one look, on the grid of the photos."""
        sides = ops.shape(images)[1:3]
        seen = [ops.cast(ops.round(_float(side) * scale), "int32") for side in sides]
        photos = images if scale == 1 else _resize(images, seen)
        if is_mirrored:
            photos = ops.flip(photos, axis=2)
        logits = ops.cast(self._model(photos, training=False), "float32")
        for axis, (old, new) in enumerate(zip(sides, seen, strict=True), start=1):
            cells = ops.arange(-(-old // self._stride))
            pixels = _float(cells) * self._stride + self._offset
            pixels = (pixels + 0.5) * (_float(new) / _float(old)) - 0.5
            if is_mirrored and axis == 2:
                pixels = _float(new) - 1 - pixels
            cell = (pixels - self._offset) / self._stride
            logits = read_between(logits, cell, axis=axis)
        return ops.softmax(logits)


def _resize(images: Any, size: Sequence[Any]) -> Any:
    """Resizes photos `[B, H, W, 3]` bilinearly to a height and a width."""
    sides = ops.shape(images)[1:3]
    for axis, (old, new) in enumerate(zip(sides, size, strict=True), start=1):
        pixels = (_float(ops.arange(new)) + 0.5) * (_float(old) / _float(new)) - 0.5
        images = read_between(images, pixels, axis=axis)
    return images


def read_between(values: Any, positions: Any, *, axis: int) -> Any:
    """Interpolates neighbours along an axis; beyond both ends they repeat.

    Args:
        values: Float `[B, h, w, C]`.
        positions: Float `[n]`, in cells of that axis.
        axis: 1 for rows, 2 for columns.

    Returns:
        Float of the same shape with n along the axis.
    """
    last = ops.shape(values)[axis] - 1
    positions = ops.clip(positions, 0.0, _float(last))
    before = ops.cast(ops.floor(positions), "int32")
    share = positions - _float(before)
    share = ops.reshape(share, (1, -1, 1, 1) if axis == 1 else (1, 1, -1, 1))
    first = ops.take(values, before, axis=axis)
    second = ops.take(values, ops.minimum(before + 1, last), axis=axis)
    return first + share * (second - first)


def _float(number: Any) -> Any:
    return ops.cast(number, "float32")
