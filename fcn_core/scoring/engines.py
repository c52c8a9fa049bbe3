"""What runs a network: OpenVINO on processors, TensorFlow on GPUs and everywhere else.

Both engines read the same frozen function from a bundle and return its logits. OpenVINO
left alone picks bfloat16 on processors that have it, so the precision is always set.
"""

import os
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from fcn_core import libraries
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.int8_form import INT8_FILES
from fcn_core.bundles.operations import check_operations
from fcn_core.scoring import gpu_engine
from fcn_core.scoring.allocations import failures_as_memory_errors
from fcn_core.scoring.arithmetic import Arithmetic, Precision

IR_NAME: Final = "logits.xml"
OUTPUT_NAMES: Final = ("logits", "rating_logits")
"""What a network computes; the second only where one model does both tasks."""

MAX_COMPILED_SHAPES: Final = 8
"""A shape costs 0.2 s and some 50 MB; a night's photos, rounded to 128, need some 8."""


class Engine(Protocol):
    """A network ready to run."""

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Runs the network on a batch at once.

        Args:
            images: uint8 RGB `[B, H, W, 3]`, H and W multiples of the card's.

        Returns:
            `[B, H / stride, W / stride, C]`, the caller's own array: float32, or
            float16 where a GPU has computed classes with no more digits.
        """
        ...

    def both_logits(
        self, images: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Runs a network of two outputs: logits of classes and of ratings."""
        ...


def open_engine(bundle: Path, arithmetic: Arithmetic, *, threads: int = 1) -> Engine:
    """Opens the bundle's network with the chosen engine.

    Raises:
        ModelError: The bundle has no form that this engine reads.
    """
    if arithmetic.engine == "openvino":
        return OpenVINOEngine(bundle, precision=arithmetic.precision, threads=threads)
    if not arithmetic.on_gpu:
        return TensorFlowEngine(bundle, precision=arithmetic.precision, threads=threads)
    gpu_engine.prepare_process()
    opened = TensorFlowEngine(bundle, precision="f32", threads=threads)
    if not opened.has_logits:
        return opened
    is_half = arithmetic.precision != "f32"
    is_half = is_half and ModelCard.read(bundle).task == "segmentation"
    return gpu_engine.GpuEngine(bundle, precision=arithmetic.precision, half=is_half)


class OpenVINOEngine:
    """Runs `logits.xml` on the processor, compiled once for each input shape.

    In int8 it runs `logits-int8.xml`, and what is not quantised there in float32.

    A fixed shape runs a third faster than a dynamic one; of the shapes met, the last
    `MAX_COMPILED_SHAPES` used stay compiled, so memory is bounded.
    """

    def __init__(self, bundle: Path, *, precision: Precision, threads: int = 1) -> None:
        path = _ir_of(Path(bundle), precision)
        try:
            openvino = libraries.import_openvino()
        except ImportError:
            raise ModelError(
                "the openvino engine needs the package openvino, which is not"
                " installed; pip install openvino, or pass --engine tensorflow"
            ) from None
        self._core = openvino.Core()
        try:
            self._model = self._core.read_model(path)
        except RuntimeError as error:
            raise ModelError(
                f"openvino cannot read {path} ({_first_line(error)}); copy the bundle"
                " again or export it again"
            ) from None
        self._settings = {
            "INFERENCE_PRECISION_HINT": "f32" if precision == "int8" else precision,
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
        }
        self._requests: OrderedDict[tuple[int, ...], Any] = OrderedDict()

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Engine.logits`."""
        return next(iter(self._infer(images).values()))

    def both_logits(
        self, images: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Engine.both_logits`."""
        outputs = self._infer(images)
        return outputs[OUTPUT_NAMES[0]], outputs[OUTPUT_NAMES[1]]

    def _infer(self, images: NDArray[np.uint8]) -> Any:
        images = np.ascontiguousarray(images, np.uint8)
        with failures_as_memory_errors():
            return self._request(images.shape).infer([images], share_inputs=True)

    def _request(self, shape: tuple[int, ...]) -> Any:
        request = self._requests.get(shape)
        if request is None:
            while len(self._requests) >= MAX_COMPILED_SHAPES:
                self._requests.popitem(last=False)
            model = self._model.clone()
            model.reshape(list(shape))
            compiled = self._core.compile_model(model, "CPU", self._settings)
            request = self._requests[shape] = compiled.create_infer_request()
        self._requests.move_to_end(shape)
        return request


class TensorFlowEngine:
    """Runs a SavedModel with TensorFlow, on the GPU where one is visible.

    Attributes:
        has_logits: Whether the signature `logits` exists; a SavedModel made elsewhere
            may have `serving_default` only, which `serve` runs.
    """

    def __init__(self, bundle: Path, *, precision: Precision, threads: int = 1) -> None:
        if not (Path(bundle) / "saved_model.pb").is_file():
            raise ModelError(
                f"{bundle} has no saved_model.pb, expected one for the tensorflow"
                " engine; copy the whole bundle or export it again"
            )
        self._tf = _import_tensorflow(precision=precision, threads=threads)
        check_operations(bundle)
        try:
            # The loaded object owns what the signatures refer to: keep it.
            self._loaded = self._tf.saved_model.load(os.fspath(bundle))
        except (OSError, ValueError, self._tf.errors.OpError) as error:
            raise ModelError(
                f"tensorflow cannot load {bundle} ({_first_line(error)}); copy the"
                " bundle again or export it again"
            ) from None
        self._signatures = self._loaded.signatures
        self.has_logits = "logits" in self._signatures
        if not self.has_logits and "serving_default" not in self._signatures:
            raise ModelError(
                f"{bundle} has the signatures {sorted(self._signatures)}, expected"
                " logits or serving_default; export the model again"
            )

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Engine.logits`."""
        return next(iter(self._run("logits", images=images).values()))

    def both_logits(
        self, images: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Engine.both_logits`."""
        outputs = self._run("logits", images=images)
        return outputs[OUTPUT_NAMES[0]], outputs[OUTPUT_NAMES[1]]

    def serve(
        self, images: NDArray[np.uint8], sizes: NDArray[np.int32]
    ) -> dict[str, NDArray[Any]]:
        """Runs `serving_default` on uint8 `[B, H, W, 3]` and int32 valid `[B, 2]`."""
        return self._run("serving_default", images=images, sizes=sizes)

    def has_signature(self, name: str) -> bool:
        """Returns whether the SavedModel has a signature."""
        return name in self._signatures

    def serve_encoded(self, name: str, values: list[bytes]) -> dict[str, NDArray[Any]]:
        """Runs a signature that takes strings only, such as `serving_bytes`."""
        arguments = self._signatures[name].structured_input_signature[1]
        return self._run(name, **dict.fromkeys(arguments, values))

    def _run(self, name: str, **arguments: Any) -> dict[str, NDArray[Any]]:
        with failures_as_memory_errors():
            outputs = self._signatures[name](
                **{key: self._tf.constant(value) for key, value in arguments.items()}
            )
        return {key: np.array(value) for key, value in outputs.items()}


def _ir_of(bundle: Path, precision: Precision) -> Path:
    """Returns the network's file for a precision."""
    if precision == "int8":
        path = bundle / INT8_FILES[0]
        if not path.is_file():
            raise ModelError(
                f"{bundle} has no {path.name}, expected one for int8; pass --precision"
                " f32, or make one with fcn export --int8"
            )
        return path
    path = bundle / IR_NAME
    if not path.is_file():
        raise ModelError(
            f"{bundle} has no {IR_NAME}, expected one for the openvino engine; pass"
            " --engine tensorflow, or export again where openvino is installed"
        )
    return path


def _import_tensorflow(*, precision: Precision, threads: int) -> Any:
    """Imports TensorFlow with this project's arithmetic.

    Its settings belong to the process: one process computes in one precision.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    libraries.keep_keras_from_home()
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        # Already running, as in a training process that evaluates: its threads stay.
        pass
    if tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()
        tf.config.experimental.enable_tensor_float_32_execution(False)
    tf.config.optimizer.set_experimental_options(
        {"auto_mixed_precision_onednn_bfloat16": precision == "bf16"}
    )
    return tf


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
