"""What the control group (cgroup) of this process says about memory.

A container has a memory limit far below the machine's memory; above it the kernel kills
a process. Both versions of control groups are read. Descriptors stay open, since lanes
look at every request.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

_PROC: Final = Path("/proc/self")
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
    def find(cls, proc: Path = _PROC) -> "MemoryLimit | None":
        """Returns the limits that we are under; None where there are none.

        Args:
            proc: The process in the proc file system.
        """
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        groups = []
        for folder in _folders(proc):
            for names in _VERSIONS:
                limit = _read_number(folder / names.limit)
                # Without a limit the file says `max`, or more than any machine has.
                if limit is not None and limit < machine:
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
        machine: The machine's counters.
    """

    def __init__(self, proc: Path = _PROC, machine: Path = Path("/proc/vmstat")):
        self._descriptor = -1
        own = next(_folders(proc), None)
        groups = (own / "memory.events", own / "memory.oom_control") if own else ()
        for file in (*groups, machine):
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


def _read_number(file: Path) -> int | None:
    try:
        return int(file.read_bytes())
    except (OSError, ValueError):
        return None


def _folders(proc: Path) -> Iterator[Path]:
    """Yields the folder of our control group, then those above it that we can see."""
    try:
        groups = (proc / "cgroup").read_text().splitlines()
        mounts = (proc / "mountinfo").read_text().splitlines()
    except OSError:
        return
    paths = {}
    for line in groups:  # number:controllers:path; version 2 names no controllers
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    for controller, kind in (("memory", "cgroup"), ("", "cgroup2")):
        mount = _mount(mounts, kind, controller)
        if controller not in paths or mount is None:
            continue
        point, root = mount
        own = PurePosixPath(paths[controller])
        # In a container the path may be the host's; its own group is at the top then.
        inside = own.relative_to(root) if own.is_relative_to(root) else PurePosixPath()
        folder = point / inside
        if ".." in inside.parts or not folder.is_dir():
            folder = point
        yield folder
        while folder != point:
            folder = folder.parent
            yield folder
        return


def _mount(lines: list[str], kind: str, controller: str) -> tuple[Path, str] | None:
    """Returns where a hierarchy is mounted, and which of its groups is at the top."""
    for line in lines:
        before, _, after = line.partition(" - ")
        root, point = before.split()[3:5]
        found, _, options = after.split(" ", 2)
        if found == kind and (not controller or controller in options.split(",")):
            return Path(point.replace("\\040", " ")), root
    return None
