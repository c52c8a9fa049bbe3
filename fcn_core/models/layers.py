"""Layers that Keras does not have: preprocessing, exact upsampling, padding, cropping.

All of them use `keras.ops` only, so a model runs under any Keras backend.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fcn_core.models.spec_options import PREPROCESSING_MODES

Features = dict[int, Any]
"""Stride in pixels -> feature map `[B, ceil(H/stride), ceil(W/stride), channels]`."""

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)
"""Mean of ImageNet's pixels in blue, green, red, 0..255 (VGG's published weights)."""

_TORCH_MEAN = (0.485, 0.456, 0.406)
_TORCH_SPREAD = (0.229, 0.224, 0.225)


@keras.saving.register_keras_serializable("fcn_core")
class Preprocess(keras.layers.Layer):
    """RGB 0..255 float `[B, H, W, 3]` -> what a backbone was trained on.

    Args:
        mode: `tf` scales to -1..1; `caffe` turns to BGR and subtracts ImageNet's mean;
            `torch` scales to 0..1 and standardises each colour; `unit` scales to 0..1;
            `rgb` subtracts a mean and keeps the order (MatConvNet); `raw` does nothing,
            for networks that preprocess inside.
        mean: Red, green, blue for `rgb`, 0..255; ImageNet's if not given.
    """

    def __init__(
        self, mode: str, mean: Sequence[float] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if mode not in PREPROCESSING_MODES:
            raise ValueError(
                f"preprocessing mode: got {mode!r}, expected one of "
                f"{', '.join(PREPROCESSING_MODES)}"
            )
        self.mode = mode
        self.mean = tuple(mean) if mean else IMAGENET_MEAN_BGR[::-1]

    def call(self, images: Any) -> Any:
        """Returns float `[B, H, W, 3]` of the same size."""
        if self.mode == "tf":
            return images * (1 / 127.5) - 1.0
        if self.mode == "caffe":
            mean = ops.convert_to_tensor(IMAGENET_MEAN_BGR, dtype=images.dtype)
            return ops.flip(images, axis=-1) - mean
        if self.mode == "torch":
            scale = [1 / (255 * spread) for spread in _TORCH_SPREAD]
            shift = [
                mean / spread
                for mean, spread in zip(_TORCH_MEAN, _TORCH_SPREAD, strict=True)
            ]
            return images * ops.convert_to_tensor(
                scale, dtype=images.dtype
            ) - ops.convert_to_tensor(shift, dtype=images.dtype)
        if self.mode == "unit":
            return images * (1 / 255)
        if self.mode == "rgb":
            return images - ops.convert_to_tensor(self.mean, dtype=images.dtype)
        return images

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Returns the same shape."""
        return input_shape

    def get_config(self) -> dict[str, object]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "mode": self.mode, "mean": list(self.mean)}


@keras.saving.register_keras_serializable("fcn_core")
class MinimumSide(keras.layers.Layer):
    """Refuses images that are too small for the network behind it.

    Args:
        side: Smallest side in pixels.
    """

    def __init__(self, side: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.side = side

    def call(self, images: Any) -> Any:
        """Returns the images.

        Raises:
            ValueError: A side is known and too small.
        """
        height, width = images.shape[1:3]
        known = [side for side in (height, width) if isinstance(side, int)]
        if known and min(known) < self.side:
            raise ValueError(
                f"images are {height}x{width}, expected sides of at least {self.side} "
                "pixels for this network; pad them, or choose another backbone"
            )
        return images

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Returns the same shape."""
        return input_shape

    def get_config(self) -> dict[str, object]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "side": self.side}


@keras.saving.register_keras_serializable("fcn_core")
class PadToMultiple(keras.layers.Layer):
    """Adds zeros at the right and bottom of `[B, h, w, C]` up to a multiple.

    Args:
        multiple: Both sides of the result are multiples of it.
    """

    def __init__(self, multiple: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, x: Any) -> Any:
        """Returns `[B, H, W, C]`, h <= H < h + multiple."""
        _, height, width, _ = ops.shape(x)
        below, right = (-height) % self.multiple, (-width) % self.multiple
        return ops.pad(x, [[0, 0], [0, below], [0, right], [0, 0]])

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Returns the sides rounded up, where known."""
        batch, height, width, channels = input_shape
        height, width = (
            side and -(-side // self.multiple) * self.multiple
            for side in (height, width)
        )
        return (batch, height, width, channels)

    def get_config(self) -> dict[str, object]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable("fcn_core")
class BilinearUpsampling(keras.layers.Layer):
    """Bilinear interpolation of `[B, h, w, C]` to `[B, h*factor, w*factor, C]`.

    Pixel p reads z at `p / factor` (corner) or `(p - (factor - 1) / 2) / factor`
    (center); beyond the outermost centres the edge repeats, so a constant map stays
    constant up to its border, which zero-padded transposed convolutions do not do.
    The same rule as `fcn_core.scoring.class_maps`, so that training sees what scoring
    does. It has no weights: learning them makes no difference (Long et al., 2015).

    Args:
        factor: Enlargement of each side.
        alignment: `corner` or `center`.
    """

    def __init__(self, factor: int, alignment: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if alignment not in ("corner", "center"):
            raise ValueError(f"alignment: got {alignment!r}, expected corner or center")
        self.factor = factor
        self.alignment = alignment

    def call(self, z: Any) -> Any:
        """Interpolates rows, then columns: bilinear is separable."""
        batch, height, width, channels = ops.shape(z)
        f = self.factor
        above = ops.concatenate([z[:, :1], z[:, :-1]], axis=1)
        below = ops.concatenate([z[:, 1:], z[:, -1:]], axis=1)
        z = ops.stack(self._phases(above, z, below), axis=2)
        z = ops.reshape(z, (batch, height * f, width, channels))
        left = ops.concatenate([z[:, :, :1], z[:, :, :-1]], axis=2)
        right = ops.concatenate([z[:, :, 1:], z[:, :, -1:]], axis=2)
        z = ops.stack(self._phases(left, z, right), axis=3)
        return ops.reshape(z, (batch, height * f, width * f, channels))

    def _phases(self, before: Any, here: Any, after: Any) -> list[Any]:
        """Returns the `factor` pixels of every cell, from it and its neighbours."""
        shift = 0.0 if self.alignment == "corner" else 0.5 / self.factor - 0.5
        phases = []
        for pixel in range(self.factor):
            position = pixel / self.factor + shift
            other = before if position < 0 else after
            phases.append((1 - abs(position)) * here + abs(position) * other)
        return phases

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Returns the sides times the factor, where known."""
        batch, height, width, channels = input_shape
        f = self.factor
        return (batch, height and height * f, width and width * f, channels)

    def get_config(self) -> dict[str, object]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "factor": self.factor,
            "alignment": self.alignment,
        }


@keras.saving.register_keras_serializable("fcn_core")
class CropLike(keras.layers.Layer):
    """Cuts right and bottom of the first map to the size of the second.

    Every stride rounds sides up (ceil), so twice the coarse map is the fine map or one
    cell more: one crop makes the sums fit for any photo size.
    """

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Returns `[B, h, w, C]`: C of the first map, h and w of the second."""
        coarse, fine = inputs
        _, height, width, _ = ops.shape(fine)
        return coarse[:, :height, :width]

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Returns the size of the second, channels of the first."""
        (batch, _, _, channels), (_, height, width, _) = input_shape
        return (batch, height, width, channels)


@keras.saving.register_keras_serializable("fcn_core")
class CropAt(keras.layers.Layer):
    """Cuts a window of the second map's size out of the first (Caffe's Crop).

    Args:
        offset: Rows above and columns left of the window.
    """

    def __init__(self, offset: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.offset = offset

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Returns `[B, h, w, C]`: C of the first map, h and w of the second."""
        large, small = inputs
        _, height, width, _ = ops.shape(small)
        o = self.offset
        return large[:, o : o + height, o : o + width]

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Returns the size of the second, channels of the first."""
        (batch, _, _, channels), (_, height, width, _) = input_shape
        return (batch, height, width, channels)

    def get_config(self) -> dict[str, object]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "offset": self.offset}


@keras.saving.register_keras_serializable("fcn_core")
class GlobalMean(keras.layers.Layer):
    """Mean over all cells, `[B, h, w, C]` -> `[B, 1, 1, C]`."""

    def call(self, features: Any) -> Any:
        """Returns the mean, sides kept as 1."""
        return ops.mean(features, axis=(1, 2), keepdims=True)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Returns the shape of a single cell."""
        return (input_shape[0], 1, 1, input_shape[3])


@keras.saving.register_keras_serializable("fcn_core")
class WithZero(keras.layers.Layer):
    """`[B, h, w, 1]` -> `[B, h, w, 2]`: a channel of zeros, then the input."""

    def call(self, logits: Any) -> Any:
        """Returns both channels."""
        return ops.concatenate([ops.zeros_like(logits), logits], axis=-1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Returns the shape with two channels."""
        return (*input_shape[:3], 2)
