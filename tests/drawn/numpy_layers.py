"""A second opinion on networks: every layer type from its definition, in NumPy.

`run(model, images)` walks a functional Keras model and computes each layer with loops
over kernel positions, float64, nothing shared with any framework.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tests.drawn.numpy_neighbours import cells_of, mix_neighbours, sampled_windows

Array = NDArray[np.float64]


def run(model: keras.Model, images: NDArray[Any]) -> Any:
    """Returns the model's output in the structure that Keras gives it."""
    inputs = keras.tree.flatten(model.input)
    values: dict[int, Any] = {id(inputs[0]): np.asarray(images, np.float64)}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        given = keras.tree.map_structure(lambda t: values[id(t)], _input_of(layer))
        made = _compute(layer, given)
        for tensor, value in zip(
            keras.tree.flatten(_output_of(layer)), keras.tree.flatten(made), strict=True
        ):
            values[id(tensor)] = value
    return keras.tree.map_structure(lambda t: values[id(t)], model.output)


def _input_of(layer: Any) -> Any:
    # The last node: a nested model was first called on its own input.
    return layer._inbound_nodes[-1].arguments.args[0]


def _output_of(layer: Any) -> Any:
    return layer._inbound_nodes[-1].output_tensors


def _compute(layer: Any, x: Any) -> Any:
    if isinstance(layer, keras.Model):
        return run(layer, x)
    kind = type(layer).__name__
    if kind not in _KINDS:
        raise NotImplementedError(f"the interpreter has no {kind} ({layer.name})")
    return _KINDS[kind](layer, x)


def _weight(variable: Any) -> Array:
    return np.asarray(variable, np.float64)


def _activated(layer: Any, x: Array) -> Array:
    name = layer.activation.__name__
    if name == "relu":
        return np.maximum(x, 0)
    if name != "linear":
        raise NotImplementedError(name)
    return x


def _padding(length: int, size: int, stride: int) -> tuple[int, int]:
    """Zeros before and after an axis for `same`: ceil(length / stride) windows."""
    windows = -(-length // stride)
    total = max((windows - 1) * stride + size - length, 0)
    return total // 2, total - total // 2


def _windows(
    x: Array, layer: Any, size: tuple[int, int], dilation: tuple[int, int], fill: float
) -> list[Array]:
    """Slices of `x` seen by each position of the kernel, row by row."""
    strides = layer.strides
    if isinstance(strides, int):
        strides = (strides, strides)
    extent = [(s - 1) * d + 1 for s, d in zip(size, dilation, strict=True)]
    if layer.padding == "same":
        pads = [
            _padding(x.shape[axis + 1], extent[axis], strides[axis])
            for axis in range(2)
        ]
        x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    out = [(x.shape[axis + 1] - extent[axis]) // strides[axis] + 1 for axis in range(2)]
    slices = []
    for row in range(size[0]):
        for column in range(size[1]):
            top, left = row * dilation[0], column * dilation[1]
            slices.append(
                x[
                    :,
                    top : top + (out[0] - 1) * strides[0] + 1 : strides[0],
                    left : left + (out[1] - 1) * strides[1] + 1 : strides[1],
                ]
            )
    return slices


def _convolution(layer: Any, x: Array) -> Array:
    kernel = _weight(layer.kernel)
    height, width = kernel.shape[:2]
    slices = _windows(x, layer, (height, width), layer.dilation_rate, 0.0)
    taps = kernel.reshape(-1, *kernel.shape[2:])
    total = np.sum([part @ tap for part, tap in zip(slices, taps, strict=True)], axis=0)
    return _activated(layer, total + (_weight(layer.bias) if layer.use_bias else 0))


def _depthwise(layer: Any, x: Array) -> Array:
    kernel = _weight(layer.kernel)[..., 0]
    slices = _windows(x, layer, kernel.shape[:2], layer.dilation_rate, 0.0)
    taps = kernel.reshape(-1, kernel.shape[2])
    total = np.sum([part * tap for part, tap in zip(slices, taps, strict=True)], axis=0)
    return _activated(layer, total + (_weight(layer.bias) if layer.use_bias else 0))


def _separable(layer: Any, x: Array) -> Array:
    depthwise = _weight(layer.depthwise_kernel)[..., 0]
    slices = _windows(x, layer, depthwise.shape[:2], layer.dilation_rate, 0.0)
    taps = depthwise.reshape(-1, depthwise.shape[2])
    total = np.sum([part * tap for part, tap in zip(slices, taps, strict=True)], axis=0)
    total = total @ _weight(layer.pointwise_kernel)[0, 0]
    return _activated(layer, total + (_weight(layer.bias) if layer.use_bias else 0))


def _transposed(layer: Any, x: Array) -> Array:
    """Every cell adds its kernel, `stride` pixels after its neighbour's."""
    kernel = _weight(layer.kernel)  # height, width, out, in
    (step, _), (size, _) = layer.strides, kernel.shape[:2]
    batch, height, width, _ = x.shape
    full = np.zeros(
        (
            batch,
            (height - 1) * step + size,
            (width - 1) * step + size,
            kernel.shape[2],
        )
    )
    for i in range(height):
        for j in range(width):
            full[:, i * step : i * step + size, j * step : j * step + size] += (
                np.einsum("yxoi,bi->byxo", kernel, x[:, i, j])
            )
    if layer.padding == "same":
        before = (size - step) // 2
        full = full[:, before : before + height * step, before : before + width * step]
    return _activated(layer, full + (_weight(layer.bias) if layer.use_bias else 0))


def _max_pooling(layer: Any, x: Array) -> Array:
    return np.max(_windows(x, layer, layer.pool_size, (1, 1), -np.inf), axis=0)


def _average_pooling(layer: Any, x: Array) -> Array:
    """`same`: padding is not part of the average."""
    total = np.sum(_windows(x, layer, layer.pool_size, (1, 1), 0.0), axis=0)
    count = np.sum(
        _windows(np.ones_like(x), layer, layer.pool_size, (1, 1), 0.0), axis=0
    )
    return total / count


def _moments(layer: Any, x: Array) -> Array:
    """Averages of x and of its squares, both pooled with padding `same`."""
    options = {"pool_size": (layer.side, layer.side), "strides": layer.side}
    pool = SimpleNamespace(padding="same", **options)
    return np.concatenate([_average_pooling(pool, each) for each in (x, x * x)], -1)


def _batch_norm(layer: Any, x: Array) -> Array:
    scale = 1 / np.sqrt(_weight(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * _weight(layer.gamma)
    shift = _weight(layer.beta) if layer.center else 0
    return (x - _weight(layer.moving_mean)) * scale + shift


def _preprocess(layer: Any, x: Array) -> Array:
    if layer.mode == "tf":
        return x / 127.5 - 1
    if layer.mode == "caffe":
        return x[..., ::-1] - [103.939, 116.779, 123.68]
    if layer.mode == "torch":
        return (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    if layer.mode == "rgb":
        return x - np.array(layer.mean)
    return x / 255 if layer.mode == "unit" else x


def _bilinear(layer: Any, z: Array) -> Array:
    """Pixel p reads z at p / s, or at (p - (s - 1) / 2) / s, clamped."""
    factor = layer.factor
    shift = 0 if layer.alignment == "corner" else (factor - 1) / 2
    matrices = []
    for cells in z.shape[1:3]:
        position = (np.arange(cells * factor) - shift) / factor
        position = np.clip(position, 0, cells - 1)
        matrices.append(np.maximum(0, 1 - np.abs(position[:, None] - np.arange(cells))))
    return np.einsum("yi,xj,bijc->byxc", *matrices, z)


def _pool_with_switches(layer: Any, x: Array) -> tuple[Array, Array]:
    batch, height, width, channels = x.shape
    pooled = np.zeros((batch, -(-height // 2), -(-width // 2), channels))
    switches = np.zeros_like(x)
    for b, i, j, c in np.ndindex(pooled.shape):
        window = x[b, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c]
        row, column = np.unravel_index(window.argmax(), window.shape)
        pooled[b, i, j, c] = window[row, column]
        switches[b, 2 * i + row, 2 * j + column, c] = 1
    return pooled, switches


def _repeat_like(layer: Any, inputs: list[Array]) -> Array:
    x, reference = inputs
    height, width = reference.shape[1:3]
    rows, columns = np.arange(height) // 2, np.arange(width) // 2
    return x[:, rows][:, :, columns]


def _crop_at(layer: Any, inputs: list[Array]) -> Array:
    large, small = inputs
    height, width = small.shape[1:3]
    offset = getattr(layer, "offset", 0)
    return large[:, offset : offset + height, offset : offset + width]


def _zero_padding(layer: Any, x: Array) -> Array:
    return np.pad(x, [(0, 0), *layer.padding, (0, 0)])


def _pad_to_multiple(layer: Any, x: Array) -> Array:
    below, right = (-x.shape[1] % layer.multiple, -x.shape[2] % layer.multiple)
    return np.pad(x, [(0, 0), (0, below), (0, right), (0, 0)])


def _cropping(layer: Any, x: Array) -> Array:
    (top, bottom), (left, right) = layer.cropping
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def _dense(layer: Any, x: Array) -> Array:
    return _activated(layer, x @ _weight(layer.kernel) + _weight(layer.bias))


_KINDS: dict[str, Callable[[Any, Any], Any]] = {
    "Activation": _activated,
    "Add": lambda layer, x: sum(x),
    "AveragePooling2D": _average_pooling,
    "BatchNormalization": _batch_norm,
    "BilinearUpsampling": _bilinear,
    "CellsOf": cells_of,
    "Concatenate": lambda layer, x: np.concatenate(x, axis=-1),
    "CellMoments": _moments,
    "Conv2D": _convolution,
    "Conv2DTranspose": _transposed,
    "CropAt": _crop_at,
    "CropLike": _crop_at,
    "Cropping2D": _cropping,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise,
    "Dropout": lambda layer, x: x,
    "Flatten": lambda layer, x: x.reshape(len(x), -1),
    "GlobalAveragePooling2D": lambda layer, x: x.mean((1, 2)),
    "GlobalMean": lambda layer, x: x.mean((1, 2), keepdims=True),
    "MaxPooling2D": _max_pooling,
    "MinimumSide": lambda layer, x: x,
    "MixNeighbours": mix_neighbours,
    "Multiply": lambda layer, x: np.prod(x, axis=0),
    "PadToMultiple": _pad_to_multiple,
    "PoolWithSwitches": _pool_with_switches,
    "Preprocess": _preprocess,
    "ReLU": lambda layer, x: np.clip(x, 0, layer.max_value),
    "RepeatLike": _repeat_like,
    "Rescaling": lambda layer, x: x * layer.scale + layer.offset,
    "SampledWindows": sampled_windows,
    "SeparableConv2D": _separable,
    "Unpool": lambda layer, x: _repeat_like(layer, x) * x[1],
    "WithZero": lambda layer, x: np.concatenate([0 * x, x], axis=-1),
    "ZeroPadding2D": _zero_padding,
}
