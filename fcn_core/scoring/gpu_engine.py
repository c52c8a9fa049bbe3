"""A network on a GPU: a program for each size of photos, compiled by XLA.

A program computes a fixed number of rows, which the size of the photos alone decides: a
compiler takes other ways for other numbers, and its sums round differently. So a row
has the same bits whatever the batch: larger batches are several runs of one program,
zeros fill smaller ones. Nothing is measured to choose among ways to compute
("autotuning"), and only deterministic ways are taken.

Only multiplications are done in reduced precision, and their sums are kept in float32;
the casts are compiled into what is before and after.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fcn_core.scoring.allocations import failures_as_memory_errors
from fcn_core.scoring.arithmetic import Precision

ENVIRONMENT: Final = {
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "TF_CUDNN_USE_AUTOTUNE": "0",
    "XLA_FLAGS": "--xla_gpu_autotune_level=0 "
    "--xla_gpu_exclude_nondeterministic_ops=true",
}
"""What a process must have before it loads TensorFlow for a GPU."""

_MULTIPLIES: Final = {"Conv2D": "T", "DepthwiseConv2dNative": "T", "MatMul": "T"}
"""What a GPU does faster in reduced precision, and the attribute of its type."""

PROGRAM_VERSION: Final = 1
"""Of how batches are computed: part of every score's fingerprint."""

_PROGRAM_PIXELS: Final = 8 * 640 * 640
_MAX_PROGRAM_ROWS: Final = 32

_MAX_COMPILED_SHAPES: Final = 64


def program_rows(height: int, width: int) -> int:
    """Returns how many photos of a padded size a program computes: a power of two.

    As many as keep a GPU busy and fit into the memory of a small one.
    """
    rows = max(1, _PROGRAM_PIXELS // (height * width))
    return min(_MAX_PROGRAM_ROWS, 1 << (rows.bit_length() - 1))


class GpuEngine:
    """Runs a bundle's SavedModel, compiled once for each shape of batches.

    Args:
        bundle: Its folder.
        precision: Of the multiplications: "f32", "bf16" or "f16".
        half: Whether the first output leaves the device in half precision.
    """

    def __init__(
        self,
        bundle: Path,
        *,
        precision: Precision,
        half: bool,
    ) -> None:
        import tensorflow as tf

        self._tf = tf
        # What is loaded owns what its signatures refer to: keep it.
        self._loaded = tf.saved_model.load(os.fspath(bundle))
        signature = self._loaded.signatures["logits"]
        outputs = _outputs(tf, signature, precision, half=half)
        self._run = tf.function(outputs, jit_compile=True)
        self._compiled: OrderedDict[tuple[int, ...], Any] = OrderedDict()

    def logits(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """See `Engine.logits`."""
        return self._infer(images)[0]

    def both_logits(
        self, images: NDArray[np.uint8]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """See `Engine.both_logits`."""
        classes, ratings = self._infer(images)
        return classes, ratings

    def start(self, images: NDArray[np.uint8]) -> Callable[[], list[NDArray[Any]]]:
        """Starts a program; the next one may be started before its results are there.

        Args:
            images: uint8 `[B, H, W, 3]`, as many as `program_rows` says.

        Returns:
            What waits for the outputs.
        """
        with failures_as_memory_errors():
            outputs = self._function(images.shape)(self._tf.constant(images))

        def wait() -> list[NDArray[Any]]:
            with failures_as_memory_errors():
                return [output.numpy() for output in outputs]

        return wait

    def _infer(self, images: NDArray[np.uint8]) -> list[NDArray[Any]]:
        count, height, width, _ = images.shape
        rows = program_rows(height, width)
        whole = np.zeros((-(-count // rows) * rows, height, width, 3), np.uint8)
        whole[:count] = images
        waiting = [
            self.start(whole[first : first + rows]) for first in range(0, count, rows)
        ]
        parts = [wait() for wait in waiting]
        return [np.concatenate(each)[:count] for each in zip(*parts, strict=True)]

    def _function(self, shape: tuple[int, ...]) -> Any:
        function = self._compiled.get(shape)
        if function is None:
            while len(self._compiled) >= _MAX_COMPILED_SHAPES:
                self._compiled.popitem(last=False)
            spec = self._tf.TensorSpec(shape, self._tf.uint8)
            function = self._compiled[shape] = self._run.get_concrete_function(spec)
        self._compiled.move_to_end(shape)
        return function


def prepare_process() -> None:
    """Sets what `ENVIRONMENT` says; call before TensorFlow is loaded."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def _outputs(tf: Any, signature: Any, precision: Precision, *, half: bool) -> Any:
    """Returns a function of images that computes a signature's outputs, in order."""
    from tensorflow.python.framework import convert_to_constants

    frozen = convert_to_constants.convert_variables_to_constants_v2(signature)
    graph = frozen.graph.as_graph_def()
    if precision != "f32":
        dtype = tf.bfloat16 if precision == "bf16" else tf.float16
        graph = _reduced(tf, graph, dtype.as_datatype_enum)
    # `OUTPUT_NAMES` in their order are those of the signature, sorted.
    outputs = [tensor.name for tensor in frozen.outputs]
    imported = tf.compat.v1.wrap_function(
        lambda images: tf.graph_util.import_graph_def(
            graph, input_map={frozen.inputs[0].name: images}, return_elements=outputs
        ),
        [tf.TensorSpec((None, None, None, 3), tf.uint8)],
    )

    def run(images: Any) -> list[Any]:
        found = [tf.cast(output, tf.float32) for output in imported(images)]
        if half:
            found[0] = tf.cast(found[0], tf.float16)
        return found

    return run


def _reduced(tf: Any, graph: Any, dtype: int) -> Any:
    """Returns a graph whose multiplications take their factors in another type."""
    float32 = tf.float32.as_datatype_enum
    reduced = tf.compat.v1.GraphDef()
    reduced.versions.CopyFrom(graph.versions)
    for node in graph.node:
        attribute = _MULTIPLIES.get(node.op)
        new = reduced.node.add()
        new.CopyFrom(node)
        if attribute is None or node.attr[attribute].type != float32:
            continue
        # The product keeps the name, so that what follows finds it.
        new.name = f"{node.name}/reduced"
        new.attr[attribute].type = dtype
        for place, source in enumerate(node.input[:2]):
            name = f"{node.name}/factor_{place}"
            new.input[place] = name
            _add_cast(reduced, name, source, types=(float32, dtype))
        _add_cast(reduced, node.name, new.name, types=(dtype, float32))
    return reduced


def _add_cast(graph: Any, name: str, source: str, *, types: tuple[int, int]) -> None:
    cast = graph.node.add()
    cast.name, cast.op = name, "Cast"
    cast.input.append(source)
    cast.attr["SrcT"].type, cast.attr["DstT"].type = types
    cast.attr["Truncate"].b = False
