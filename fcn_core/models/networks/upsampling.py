"""Transposed convolutions that start, and by default stay, bilinear.

Keras-FCN and tf-image-segmentation upsample with them. Away from the border they do
what `layers.BilinearUpsampling` does; in the outer half stride their weights sum to
less than 1, which leaves the argmax alone and lowers softmax confidences.
"""

from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from fcn_core.models.layers import BilinearUpsampling
from fcn_core.models.spec import ModelSpec


@keras.saving.register_keras_serializable("fcn_core")
class BilinearKernel(keras.initializers.Initializer):
    """A triangle on the channel diagonal: each class is interpolated on its own."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Returns a kernel float `[k, k, C, C]`.

        Raises:
            ValueError: The kernel is not square or changes the number of channels.
        """
        height, width, filters, channels = shape
        if height != width or filters != channels:
            raise ValueError(
                f"bilinear kernel: got shape {tuple(shape)}, expected [k, k, C, C]; "
                "use a square kernel and as many filters as channels"
            )
        kernel = np.zeros(shape, np.float32)
        diagonal = np.arange(channels)
        kernel[:, :, diagonal, diagonal] = triangle(height)[:, :, None]
        return keras.ops.convert_to_tensor(kernel, dtype=dtype)


def triangle(size: int) -> NDArray[np.float32]:
    """Returns float32 `[k, k]` weights that enlarge by `(k + 1) // 2` (Long 2015)."""
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    axis = 1 - np.abs(np.arange(size) - centre) / factor
    return np.outer(axis, axis).astype(np.float32)


def enlarge(x: Any, factor: int, spec: ModelSpec, *, name: str) -> Any:
    """Upsamples class scores by a factor, as the spec says.

    Args:
        x: `[B, h, w, C]`.
        factor: Of both sides; 1 changes nothing.
        spec: Its `upsampling`, `alignment`, and `geometry`.
        name: Of the layer that enlarges.

    Returns:
        `[B, h * factor, w * factor, C]`; in the geometry `caffe`, which crops later,
        `(h - 1) * factor + 2 * factor` a side.
    """
    if factor == 1:
        return x
    if spec.upsampling == "bilinear" and spec.geometry != "caffe":
        return BilinearUpsampling(factor, spec.alignment, name=name)(x)
    learns = spec.upsampling == "learnable"
    corner = spec.alignment == "corner"
    # An odd kernel has its peak on a pixel, an even one between two.
    size = 2 * factor - 1 if corner else 2 * factor
    layer = layers.Conv2DTranspose(
        x.shape[-1],
        size,
        strides=factor,
        use_bias=learns,
        kernel_initializer=BilinearKernel(),
        name=name,
    )
    layer.trainable = learns
    x = layer(x)
    if spec.geometry == "caffe":
        return x
    border = (factor - 1, 0) if corner else (factor // 2, factor // 2)
    return layers.Cropping2D((border, border), name=f"{name}_crop")(x)
