"""Keeps freed memory in the process, where giving it back costs more than holding it.

A network frees and allocates the same large arrays at every step. By default glibc
returns each to the kernel, which then has to hand out and clear fresh pages: on virtual
machines that took as long as the arithmetic itself (docs/decisions.md has the figures).
"""

import contextlib
import ctypes
import os
from typing import Final

_TRIM_THRESHOLD: Final = -1  # the numbers of mallopt's parameters in glibc's malloc.h
_TOP_PAD: Final = -2
_MMAP_MAX: Final = -4
_ARENA_MAX: Final = -8
_NEVER: Final = -1  # a step frees more at once than any threshold
_TOP_PAD_BYTES: Final = 64 << 20


def share_one_heap() -> bool:
    """Asks the C library for one heap instead of one per thread; call before threads.

    What one thread frees another can use then: a process whose threads hand on large
    blocks stays as small as what it holds. Arrow, where it is not yet loaded, is asked
    to use that heap too: its own keeps what a table took for the next table.

    Returns:
        Whether the C library agreed.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    return _mallopt((_ARENA_MAX, 1))


def keep_freed_memory() -> bool:
    """Asks the C library to reuse large freed blocks; call before the work starts.

    Returns:
        Whether it agreed; elsewhere than on Linux with glibc nothing changes.
    """
    return _mallopt(
        # Other threads' arenas are too small for large blocks: they would be mapped
        # afresh whatever the threshold is.
        (_ARENA_MAX, 1),
        # Not the size from which blocks are mapped: TensorFlow sets that back.
        (_MMAP_MAX, 0),
        (_TRIM_THRESHOLD, _NEVER),
        (_TOP_PAD, _TOP_PAD_BYTES),
    )


def _mallopt(*settings: tuple[int, int]) -> bool:
    """Returns whether the C library has the parameters and took each value."""
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        return all(mallopt(parameter, value) for parameter, value in settings)
    return False
