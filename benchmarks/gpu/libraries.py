"""TensorFlow or JAX with a device: networks become programs that run on it.

Programs are compiled by XLA with the settings of a night's GPU lane: nothing is tried
out ("autotuning"), and only deterministic ways to compute are taken.
"""

import importlib
import importlib.util
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from fcn_core import libraries
from fcn_core.models.spec import ModelSpec

PRECISIONS: Final[Mapping[str, float]] = {"f32": 0, "tf32": 8, "bf16": 8, "f16": 7}
"""What GPUs multiply in, and the compute capability from which they have it."""

_POLICIES: Final = {"bf16": "bfloat16", "f16": "float16"}

_AS_IN_A_NIGHT: Final = (
    "--xla_gpu_autotune_level=0 --xla_gpu_exclude_nondeterministic_ops=true"
)


class Device(Protocol):
    """A device and the library that computes on it.

    Attributes:
        library: `tensorflow` or `jax`, with its version.
        name: Of the device.
        precisions: That it has; of `PRECISIONS`.
    """

    library: str
    name: str
    precisions: Sequence[str]

    def program(self, spec: ModelSpec, precision: str, *, maps: bool = False) -> Any:
        """Returns a `Program` of a network, built anew.

        Args:
            spec: The network.
            precision: Of its multiplications.
            maps: Whether it ends in the class of each pixel instead of in logits.
        """


class Program(Protocol):
    """A network on a device; pixels are uint8 RGB `[B, H, W, 3]`."""

    def put(self, pixels: NDArray[np.uint8]) -> Any:
        """Takes pixels to the device."""

    def run(self, pixels: Any) -> Any:
        """Starts to compute outputs of pixels that are there; does not wait."""

    def wait(self, outputs: Any) -> None:
        """Waits until outputs are computed."""

    def get(self, outputs: Any) -> list[NDArray[Any]]:
        """Waits for outputs and takes them from the device."""


def find_device(asked: str, *, autotune: bool = False) -> Device | None:
    """Returns the first GPU, or the processor; None: there is no such device.

    Args:
        asked: `auto` is a GPU and nothing else, `cpu` the processor.
        autotune: Whether XLA may try out ways to compute, as it does by default.
    """
    _set_environment(autotune=autotune)
    chosen = os.environ.get("KERAS_BACKEND")
    for name, kind in _LIBRARIES.items():
        if chosen in (None, name) and importlib.util.find_spec(name) is not None:
            device: Device | None = kind.find(asked)
            if device is not None:
                os.environ["KERAS_BACKEND"] = name
                return device
    return None


def _set_environment(*, autotune: bool) -> None:
    libraries.keep_keras_from_home()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if not autotune:
        os.environ.setdefault("TF_CUDNN_USE_AUTOTUNE", "0")
        given = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{_AS_IN_A_NIGHT} {given}".strip()


def _available(capability: float | None) -> list[str]:
    """Returns the precisions of a GPU; None: of a processor, which is a mere trial."""
    if capability is None:
        return ["f32", "bf16"]
    return [name for name, least in PRECISIONS.items() if capability >= least]


def _network(spec: ModelSpec, precision: str) -> Any:
    """Builds a network whose layers compute in a precision."""
    import keras

    from fcn_core.models.build import build

    keras.utils.clear_session()
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(_POLICIES.get(precision, "float32"))
    try:
        return build(spec)
    finally:
        keras.config.set_dtype_policy(policy)


def _finished(outputs: Any, spec: ModelSpec, *, half: bool, maps: bool) -> list[Any]:
    """Returns outputs as they leave the device: small."""
    from keras import ops

    from fcn_core.models.layers import BilinearUpsampling

    parts = [*outputs.values()] if isinstance(outputs, dict) else [outputs]
    if spec.task != "segmentation":
        return [ops.cast(parts[0], "float32")]
    if maps:
        logits = ops.cast(parts[0], "float32")
        if spec.logits_stride > 1:
            enlarge = BilinearUpsampling(
                spec.logits_stride, spec.alignment, dtype="float32"
            )
            logits = enlarge(logits)
        parts[0] = ops.cast(ops.argmax(logits, axis=-1), "uint8")
    else:
        parts[0] = ops.cast(parts[0], "float16" if half else "float32")
    return [parts[0], *(ops.cast(part, "float32") for part in parts[1:])]


class TensorFlowDevice:
    """See `Device`."""

    def __init__(self, place: str, name: str, capability: float | None):
        import tensorflow as tf

        self.library = f"tensorflow {tf.__version__}"
        self.name, self.precisions = name, _available(capability)
        self._tf, self._place = tf, place

    @classmethod
    def find(cls, asked: str) -> "TensorFlowDevice | None":
        """Returns the device that is asked for, if TensorFlow sees it."""
        import tensorflow as tf

        if asked == "cpu":
            return cls("/CPU:0", "processor", None)
        gpus = tf.config.list_physical_devices("GPU")
        if not gpus:
            return None
        details = tf.config.experimental.get_device_details(gpus[0])
        major, minor = details.get("compute_capability", (0, 0))
        name = str(details.get("device_name", "GPU"))
        return cls("/GPU:0", name, float(f"{major}.{minor}"))

    def program(
        self, spec: ModelSpec, precision: str, *, maps: bool = False
    ) -> "TensorFlowProgram":
        """See `Device.program`."""
        self._tf.config.experimental.enable_tensor_float_32_execution(
            precision == "tf32"
        )
        half = precision in _POLICIES
        with self._tf.device(self._place):
            network = _network(spec, precision)

            def run(pixels: Any) -> list[Any]:
                outputs = network(self._tf.cast(pixels, "float32"), training=False)
                return _finished(outputs, spec, half=half, maps=maps)

            return TensorFlowProgram(
                self._tf, self._place, self._tf.function(run, jit_compile=True)
            )


class TensorFlowProgram:
    """See `Program`."""

    def __init__(self, tf: Any, place: str, function: Any):
        self._tf, self._place, self._function = tf, place, function

    def put(self, pixels: NDArray[np.uint8]) -> Any:
        """See `Program.put`."""
        with self._tf.device(self._place):
            return self._tf.identity(self._tf.constant(pixels))

    def run(self, pixels: Any) -> Any:
        """See `Program.run`."""
        with self._tf.device(self._place):
            return self._function(pixels)

    def wait(self, outputs: Any) -> None:
        """See `Program.wait`."""
        self._tf.test.experimental.sync_devices()

    def get(self, outputs: Any) -> list[NDArray[Any]]:
        """See `Program.get`."""
        return [output.numpy() for output in outputs]


class JaxDevice:
    """See `Device`."""

    def __init__(self, jax: Any, device: Any, capability: float | None):
        self.library = f"jax {jax.__version__}"
        self.name = str(device.device_kind)
        self.precisions = _available(capability)
        self._jax, self._device = jax, device

    @classmethod
    def find(cls, asked: str) -> "JaxDevice | None":
        """Returns the device that is asked for, if JAX sees it."""
        jax = importlib.import_module("jax")
        try:
            devices = jax.devices("cpu" if asked == "cpu" else "gpu")
        except RuntimeError:
            return None
        if asked == "cpu":
            return cls(jax, devices[0], None)
        capability = getattr(devices[0], "compute_capability", 0)
        return cls(jax, devices[0], float(capability))

    def program(
        self, spec: ModelSpec, precision: str, *, maps: bool = False
    ) -> "JaxProgram":
        """See `Device.program`."""
        jax = self._jax
        # What is said of float32 holds while a program is traced: not for others.
        factors = "tensorfloat32" if precision == "tf32" else "highest"
        half = precision in _POLICIES
        with jax.default_device(self._device):
            network = _network(spec, precision)
            weights = [
                [variable.value for variable in variables]
                for variables in (
                    network.trainable_variables,
                    network.non_trainable_variables,
                )
            ]

        def run(weights: Any, pixels: Any) -> list[Any]:
            with jax.default_matmul_precision(factors):
                outputs, _ = network.stateless_call(
                    *weights, pixels.astype("float32"), training=False
                )
                return _finished(outputs, spec, half=half, maps=maps)

        return JaxProgram(jax, self._device, (jax.jit(run), weights))


class JaxProgram:
    """See `Program`."""

    def __init__(self, jax: Any, device: Any, compiled: tuple[Any, Any]):
        self._jax, self._device = jax, device
        self._function, self._weights = compiled

    def put(self, pixels: NDArray[np.uint8]) -> Any:
        """See `Program.put`."""
        return self._jax.device_put(pixels, self._device)

    def run(self, pixels: Any) -> Any:
        """See `Program.run`."""
        return self._function(self._weights, pixels)

    def wait(self, outputs: Any) -> None:
        """See `Program.wait`."""
        self._jax.block_until_ready(outputs)

    def get(self, outputs: Any) -> list[NDArray[Any]]:
        """See `Program.get`."""
        return [np.asarray(output) for output in outputs]


_LIBRARIES: Final[Mapping[str, Any]] = {
    "tensorflow": TensorFlowDevice,
    "jax": JaxDevice,
}
