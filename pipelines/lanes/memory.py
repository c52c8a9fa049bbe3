"""What the control group (cgroup) of this process says about memory.

A container has a memory limit far below the machine's memory; above it the kernel kills
a process. Both versions of control groups are read. Descriptors stay open, since lanes
look at every request.
"""

import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from fcn_core import machine

_STATISTICS_BYTES: Final = 1 << 14


class _Names(NamedTuple):
    """The files of one version of control groups, and words in them."""

    limit: str
    usage: str
    cache: tuple[bytes, bytes]


_VERSIONS: Final = (
    _Names("memory.max", "memory.current", (b"inactive_file", b"active_file")),
    _Names(
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        (b"total_inactive_file", b"total_active_file"),
    ),
)


class _Group:
    """A control group that has a limit."""

    def __init__(self, folder: Path, names: _Names, *, limit: int):
        self._limit, self._cache = limit, names.cache
        self._usage = os.open(folder / names.usage, os.O_RDONLY)
        self._statistics = os.open(folder / "memory.stat", os.O_RDONLY)

    def free_bytes(self, enough: int) -> int:
        free = self._limit - int(os.pread(self._usage, 64, 0))
        if free < enough:  # statistics cost more; the kernel gives up its cache
            text = os.pread(self._statistics, _STATISTICS_BYTES, 0)
            free += sum(_value(text, name) or 0 for name in self._cache)
        return max(free, 0)


class MemoryLimit:
    """The memory limits of our control group and of those around it."""

    def __init__(self, groups: Sequence[_Group]):
        self._groups = groups

    @classmethod
    def find(cls, proc: Path = machine.PROC) -> "MemoryLimit | None":
        """Returns the limits that we are under; None where there are none.

        Args:
            proc: The process in the proc file system.
        """
        there_is = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        groups = []
        for folder in machine.control_groups("memory", proc):
            for names in _VERSIONS:
                limit = machine.read_number(folder / names.limit)
                # Without a limit the file says `max`, or more than any machine has.
                if limit is not None and limit < there_is:
                    with contextlib.suppress(OSError):
                        groups.append(_Group(folder, names, limit=limit))
        return cls(groups) if groups else None

    def free_bytes(self, enough: int) -> int:
        """Returns what may still be used, the kernel's file cache included.

        Args:
            enough: Above this the cache need not be looked at.
        """
        return min(group.free_bytes(enough) for group in self._groups)


class KernelKills:
    """Counts the processes that the kernel killed for want of memory.

    Args:
        proc: A process in the proc file system; its control group is counted, or the
            machine where that does not say.
        vmstat: The machine's counters.
    """

    def __init__(self, proc: Path = machine.PROC, vmstat: Path = Path("/proc/vmstat")):
        self._descriptor = -1
        own = next(machine.control_groups("memory", proc), None)
        groups = (own / "memory.events", own / "memory.oom_control") if own else ()
        for file in (*groups, vmstat):
            with contextlib.suppress(OSError):
                if _value(file.read_bytes(), b"oom_kill") is not None:
                    self._descriptor = os.open(file, os.O_RDONLY)
                    break

    def __call__(self) -> int:
        """Returns the number up to now; always 0 where the system does not say."""
        if self._descriptor < 0:
            return 0
        text = os.pread(self._descriptor, _STATISTICS_BYTES, 0)
        return _value(text, b"oom_kill") or 0


def _value(text: bytes, name: bytes) -> int | None:
    found = re.search(rb"^%s (\d+)$" % name, text, re.MULTILINE)
    return int(found[1]) if found else None
