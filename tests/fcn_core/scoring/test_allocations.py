"""Failed allocations of engines: their words, as measured, become MemoryError."""

import pytest

from fcn_core.scoring.allocations import failures_as_memory_errors

OPENVINO = "Exception from src/inference/src/cpp/core.cpp:117:\n{}\n\n"
TENSORFLOW = "Operation received an exception:Status: 1, message: {}, in file mkl.cc:1"


class ResourceExhaustedError(Exception):
    """Stands for TensorFlow's."""


def failing(error: Exception) -> None:
    with failures_as_memory_errors():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(OPENVINO.format("std::bad_alloc")),
        RuntimeError(OPENVINO.format("can't alloc")),
        RuntimeError(OPENVINO.format("Resource temporarily unavailable")),
        RuntimeError(OPENVINO.format("Failed to allocate 1141899264 bytes of memory")),
        RuntimeError("could not create a memory object"),
        RuntimeError(TENSORFLOW.format("could not create a primitive")),
        RuntimeError("[Errno 12] Cannot allocate memory"),
        RuntimeError("OOM when allocating tensor with shape[1,5632,8448,3]"),
        ResourceExhaustedError("in whatever words"),
        MemoryError("Unable to allocate 136. MiB for an array"),
    ],
)
def test_a_failed_allocation_is_a_memory_error(error: Exception) -> None:
    with pytest.raises(MemoryError):
        failing(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(OPENVINO.format("Can't reshape the model")),
        ValueError("Status: 3, message: could not create a primitive"),
    ],
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        failing(error)
    assert caught.value is error
