"""The budget of one request in a lane: CPU time and memory that the kernel enforces."""

import os
import resource
import time
from typing import Final

from pipelines.lanes.memory import MemoryLimit
from pipelines.lanes.messages import Header

ORDINARY_BYTES: Final = 256 << 20
"""A photo may always ask for this: a cold lane's first one takes 144 MiB.

Where there is less, the kernel decides.
"""

_UNTOUCHED_BYTES: Final = 128 << 20
"""Taken but never touched in a cold lane, as stacks are: RLIMIT_DATA counts it.

Only a request alone may have it besides: a margin in which the kernel decides.
"""


class ProcessMemory:
    """The memory of this process now; cheap, as it is read at every request."""

    def __init__(self) -> None:
        try:
            self._statm = os.open("/proc/self/statm", os.O_RDONLY)
        except OSError:
            self._statm = -1
        self._page = resource.getpagesize()

    def _pages(self) -> list[int]:
        if self._statm < 0:
            return [0] * 7
        return [int(word) for word in os.pread(self._statm, 256, 0).split()]

    @property
    def resident_bytes(self) -> int:
        """Memory in use that no other process shares; 0 where unknown."""
        _, resident, shared, *_ = self._pages()
        return (resident - shared) * self._page

    @property
    def data_bytes(self) -> int:
        """What counts against RLIMIT_DATA, and the stack; 0 where unknown."""
        return self._pages()[5] * self._page


class Budget:
    """What the next request may cost, whatever C code does.

    Args:
        settings: `cpu_seconds`, `memory_bytes` and `recycle_bytes` of `LaneLimits`, and
            the number of `lanes` that share what memory there is.
        limit: The memory limit around this process, if any.
    """

    def __init__(self, settings: Header, limit: MemoryLimit | None):
        self._cpu_seconds: float = settings["cpu_seconds"]
        self._memory_bytes: int = settings["memory_bytes"]
        self._recycle_bytes: int = settings["recycle_bytes"]
        self._lanes: int = settings["lanes"]
        self._limit = limit
        self._memory = ProcessMemory()
        self._first_bytes = self._memory.resident_bytes
        self._soft_cpu: int | None = None
        _, self._hard_cpu = resource.getrlimit(resource.RLIMIT_CPU)
        _, self._hard_data = resource.getrlimit(resource.RLIMIT_DATA)

    def arm(self, *, alone: bool) -> None:
        """Gives the next request its CPU time (SIGXCPU) and memory (MemoryError).

        Args:
            alone: Whether no other lane works meanwhile.
        """
        soft = int(time.process_time() + self._cpu_seconds) + 1
        if soft != self._soft_cpu:
            self._soft_cpu = soft
            resource.setrlimit(resource.RLIMIT_CPU, (soft, self._hard_cpu))
        if held := self._memory.data_bytes:
            growth = self.growth_bytes(1 if alone else self._lanes)
            resource.setrlimit(resource.RLIMIT_DATA, (held + growth, self._hard_data))

    def disarm(self) -> None:
        """Lets this process read the next request, however large."""
        resource.setrlimit(resource.RLIMIT_DATA, (self._hard_data, self._hard_data))

    def growth_bytes(self, lanes: int) -> int:
        """Returns by how much a request may grow its lane if so many lanes work."""
        if self._limit is None:
            return self._memory_bytes
        free = self._limit.free_bytes(self._memory_bytes * lanes) // lanes
        if lanes == 1:
            free += _UNTOUCHED_BYTES
        return min(self._memory_bytes, max(free, ORDINARY_BYTES))

    def is_lane_spent(self) -> bool:
        """Returns whether a fresh process should take this one's place.

        It should where it holds too much, or has grown and the memory runs short.
        """
        resident = self._memory.resident_bytes
        if resident > self._recycle_bytes:
            return True
        if self._limit is None or resident - self._first_bytes <= ORDINARY_BYTES:
            return False
        return self.growth_bytes(self._lanes) <= min(ORDINARY_BYTES, self._memory_bytes)


class Unlimited:
    """The budget of a lane that has a device: its libraries take what they want."""

    def arm(self, *, alone: bool) -> None:
        """Sets no limit."""

    def disarm(self) -> None:
        """Lifts none."""

    def is_lane_spent(self) -> bool:
        """Returns False: such a lane is never replaced between two requests."""
        return False
