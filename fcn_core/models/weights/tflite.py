"""Reads DeepLab-v3 on MobileNetV2 from TensorFlow Lite: quantised weights, as floats.

The converter has named tensors after the training graph: a kernel by the node that
quantised it, a bias by the batch normalisation that was folded into it. The file keeps
integers; what they stand for is `scale * (value - zero point)`, one scale for all or
one a channel.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fcn_core.models.weights.assign import WeightsError

Arrays = dict[str, NDArray[np.float32]]

_IDENTIFIER: Final = b"TFL3"
_DTYPES: Final = {2: np.int32, 3: np.uint8, 9: np.int8}
"""Types of quantised tensors, by their number in the file's schema."""

_KERNEL: Final = "/weights_quant/FakeQuantWithMinMaxVars"
_BIASES: Final = ("/BatchNorm_Fold/bias", "/biases")
_BLOCK: Final = re.compile(r"MobilenetV2/(expanded_conv(?:_\d+)?)/(\w+)")
_HEAD: Final = {
    "aspp0": "head_local",
    "image_pooling": "head_context",
    "concat_projection": "head_project",
    "logits/semantic": "head_score",
}
"""Scopes of the light head -> our layers."""

_FOLDED: Final = {"gamma": 1.0, "moving_mean": 0.0, "moving_variance": 0.999}
"""Batch normalisation that is folded already: with Keras' epsilon of 0.001 it adds."""

_DAMAGED: Final = (IndexError, KeyError, TypeError, ValueError, struct.error)
"""What reading a damaged file raises."""


def read_deeplab(path: Path) -> Arrays:
    """Returns the network's tensors under our layers' names, `layer/weight`.

    Raises:
        WeightsError: It is no such file.
    """
    data = path.read_bytes()
    try:
        if data[4:8] != _IDENTIFIER:
            raise ValueError("no TensorFlow Lite model")
        kernels, biases = _quantised(data)
        if "concat_projection" not in kernels or set(kernels) != set(biases):
            raise ValueError("another network")
        tensors: Arrays = {}
        for scope, kernel in kernels.items():
            tensors |= _layer(scope, kernel, biases[scope])
    except _DAMAGED as error:
        raise WeightsError(
            f"weights {path.name}: not readable as DeepLab-v3 on MobileNetV2 "
            f"({' '.join(str(error).split())}), expected a file such as "
            "deeplabv3_mnv2_pascal_quant.tflite; copy it again"
        ) from None
    return tensors


def _quantised(data: bytes) -> tuple[Arrays, Arrays]:
    """Returns kernels and biases by their scopes."""
    kernels: Arrays = {}
    biases: Arrays = {}
    for name, values in _tensors(data):
        # The converter joins the names of nodes that it has merged.
        for part in name.split(";"):
            if part.endswith(_KERNEL):
                kernels[part.removesuffix(_KERNEL)] = _to_keras(values)
            for ending in _BIASES:
                if part.endswith(ending) and values.ndim == 1:
                    biases[part.removesuffix(ending)] = values
    return kernels, biases


def _tensors(data: bytes) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yields the names and values of quantised constants."""
    from tensorflow.lite.python import schema_py_generated as schema

    model: Any = schema.Model.GetRootAsModel(data, 0)
    graph = model.Subgraphs(0)
    for number in range(graph.TensorsLength()):
        tensor = graph.Tensors(number)
        scales, buffer = tensor.Quantization(), model.Buffers(tensor.Buffer())
        dtype = _DTYPES.get(tensor.Type())
        if dtype is None or not buffer.DataLength() or not scales.ScaleLength():
            continue
        values = buffer.DataAsNumpy().view(dtype).reshape(tensor.ShapeAsNumpy())
        yield (
            tensor.Name().decode(),
            dequantise(
                values,
                scale=scales.ScaleAsNumpy(),
                zero_point=scales.ZeroPointAsNumpy(),
                axis=scales.QuantizedDimension(),
            ),
        )


def dequantise(
    values: NDArray[Any],
    *,
    scale: NDArray[np.float32],
    zero_point: NDArray[np.int64],
    axis: int,
) -> NDArray[np.float32]:
    """Returns what integers stand for.

    Args:
        values: Integers of any shape.
        scale: One for all, or one for each place along `axis`.
        zero_point: The integers that stand for 0, as many.
        axis: Ignored if there is one scale.
    """
    shape = [1] * values.ndim
    if scale.size > 1:
        shape[axis] = scale.size
    steps = scale.astype(np.float64).reshape(shape)
    centred = values.astype(np.int64) - zero_point.reshape(shape)
    return (centred * steps).astype(np.float32)


def _to_keras(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns `[out, h, w, in]`, or depthwise `[1, h, w, in]`, as `[h, w, in, out]`."""
    return np.ascontiguousarray(kernel.transpose(1, 2, 3, 0))


def _layer(
    scope: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]
) -> Arrays:
    if scope == "concat_projection":
        # One convolution over the two concatenated branches is the sum of two.
        pooled = kernel.shape[2] // 2
        return {
            "head_project_context/kernel": kernel[:, :, :pooled],
            "head_project_local/kernel": kernel[:, :, pooled:],
            "head_project_local/bias": bias,
        }
    if scope in _HEAD:
        return {f"{_HEAD[scope]}/kernel": kernel, f"{_HEAD[scope]}/bias": bias}
    layer, norm = _names(scope)
    folded = {
        f"{norm}/{name}": np.full_like(bias, value) for name, value in _FOLDED.items()
    }
    return {f"{layer}/kernel": kernel, f"{norm}/beta": bias, **folded}


def _names(scope: str) -> tuple[str, str]:
    """Returns Keras' names of a convolution and its batch normalisation."""
    if scope == "MobilenetV2/Conv":
        return "Conv1", "bn_Conv1"
    found = _BLOCK.fullmatch(scope)
    if found is None:
        raise ValueError(f"the unknown layer {scope}")
    block = found[1].replace("expanded_conv_", "block_")
    layer = f"{block}_{found[2]}"
    return layer, f"{layer}_BN"
