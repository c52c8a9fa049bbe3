"""Engines that ran out of memory say so in words of their own: here as MemoryError."""

import contextlib
import re
from collections.abc import Iterator
from typing import Final

_FAILED: Final = re.compile(
    # the C++ library, and a thread that the system has no memory for
    r"std::bad_alloc|Cannot allocate memory|Resource temporarily unavailable"
    # OpenVINO
    r"|Failed to allocate \d+ bytes|\bcan't alloc\b"
    # oneDNN, inside both engines; its status 1 is "out of memory"
    r"|could not create a memory object|\bStatus: 1, message: could not create"
    # TensorFlow
    r"|OOM when allocating"
)


@contextlib.contextmanager
def failures_as_memory_errors() -> Iterator[None]:
    """Raises MemoryError for what an engine raises when an allocation fails."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if is_failed_allocation(error):
            raise MemoryError("no memory for the network") from error
        raise


def is_failed_allocation(error: Exception) -> bool:
    """Returns whether an engine's exception says that memory was refused."""
    # TensorFlow's class is known by its name: importing it would load TensorFlow.
    is_exhausted = type(error).__name__ == "ResourceExhaustedError"
    return is_exhausted or _FAILED.search(str(error)) is not None
