"""A small DeepLab-v3 as TensorFlow Lite keeps it: integers, scales, joined names."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.float32]]

_KERNEL = "weights_quant/FakeQuantWithMinMaxVars"
_HEAD = {
    "head_local": "aspp0",
    "head_context": "image_pooling",
    "head_score": "logits/semantic",
}


def _scope(layer: str) -> str:
    if layer == "Conv1":
        return "MobilenetV2/Conv"
    if layer in _HEAD:
        return _HEAD[layer]
    block, _, part = layer.rpartition("_")
    return f"MobilenetV2/{block.replace('block_', 'expanded_conv_')}/{part}"


def save_deeplab(path: Path, tensors: Arrays, *, per_channel: bool) -> Arrays:
    """Quantises a network's tensors and writes them.

    Args:
        path: The file.
        tensors: Under our names; batch normalisation but for `beta` is taken as folded.
        per_channel: Whether each output channel has a scale of its own.

    Returns:
        What the integers stand for, under our names.
    """
    made: list[tuple[str, NDArray[Any], NDArray[np.float32], NDArray[np.int64]]] = []
    expected: Arrays = {}

    def add(name: str, values: NDArray[np.float32], kind: type, axis: int) -> Any:
        channels = values.shape[axis] if per_channel and values.ndim > 1 else 1
        scale = np.linspace(0.011, 0.017, channels).astype(np.float32)
        zero = np.full(channels, 0 if kind is np.int32 else 7, np.int64)
        shape = [1] * values.ndim
        shape[axis] = channels
        steps, middle = scale.astype(np.float64).reshape(shape), zero.reshape(shape)
        limits = np.iinfo(kind)
        whole = np.clip(np.rint(values / steps) + middle, limits.min, limits.max)
        made.append((name, whole.astype(kind), scale, zero))
        return ((whole - middle) * steps).astype(np.float32)

    def add_layer(scope: str, kernel: NDArray[np.float32], bias: str) -> Any:
        name = f"{scope}/Conv2D_Fold;{scope}/{_KERNEL}"
        axis = 3 if kernel.shape[-1] == 1 and scope.endswith("depthwise") else 0
        got = add(name, kernel.transpose(3, 0, 1, 2), np.uint8, axis)
        ending = "biases" if scope == "logits/semantic" else "BatchNorm_Fold/bias"
        values = add(f"{scope}/add_fold;{scope}/{ending}", tensors[bias], np.int32, 0)
        return got.transpose(1, 2, 3, 0), values

    for name, kernel in tensors.items():
        layer, _, weight = name.partition("/")
        if weight != "kernel" or layer.startswith(("skip_", "head_project")):
            continue
        folded = "bn_Conv1" if layer == "Conv1" else f"{layer}_BN"
        bias = f"{layer}/bias" if layer in _HEAD else f"{folded}/beta"
        expected[name], expected[bias] = add_layer(_scope(layer), kernel, bias)
    halves = ("head_project_context", "head_project_local")
    joined = np.concatenate([tensors[f"{half}/kernel"] for half in halves], axis=2)
    kernel, bias = add_layer("concat_projection", joined, f"{halves[1]}/bias")
    parts = np.split(kernel, 2, axis=2)
    expected |= {f"{h}/kernel": p for h, p in zip(halves, parts, strict=True)}
    expected[f"{halves[1]}/bias"] = bias
    path.write_bytes(_pack(made))
    return expected


def _pack(made: list[tuple[str, NDArray[Any], Any, Any]]) -> bytes:
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    kinds = {np.dtype(np.int32): 2, np.dtype(np.uint8): 3, np.dtype(np.int8): 9}
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, graph.tensors = 3, [schema.BufferT()], []
    for name, values, scale, zero in made:
        tensor, buffer = schema.TensorT(), schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        tensor.name, tensor.shape = name.encode(), list(values.shape)
        tensor.type, tensor.buffer = kinds[values.dtype], len(model.buffers)
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = scale, zero
        depthwise = "depthwise" in name and values.ndim == 4
        tensor.quantization.quantizedDimension = 3 if depthwise else 0
        model.buffers.append(buffer)
        graph.tensors.append(tensor)
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
