"""What this process may use of its machine: cores and memory.

In a container that is less than the machine has: control groups (cgroups) of both
versions limit the time on cores and the memory of all processes in them.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

PROC: Final = Path("/proc/self")

_MEMORY_LIMITS: Final = ("memory.max", "memory.limit_in_bytes")


def usable_cores(proc: Path = PROC) -> int:
    """Returns how many cores this process can keep busy, at least 1.

    Those that it may run on, or fewer where control groups give it less time than they
    have; a part of a core counts as one.

    Args:
        proc: The process in the proc file system.
    """
    quotas = (_quota(folder) for folder in control_groups("cpu", proc))
    return max(1, min([allowed_cores(), *(math.ceil(q) for q in quotas if q)]))


def memory_bytes(proc: Path = PROC) -> int:
    """Returns the memory of the machine, or the tightest limit below that.

    Args:
        proc: The process in the proc file system.
    """
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = (
        read_number(folder / name)
        for folder in control_groups("memory", proc)
        for name in _MEMORY_LIMITS
    )
    return min([machine, *(limit for limit in limits if limit)])


def allowed_cores() -> int:
    """Returns on how many cores this process may run, for however little time."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # no Linux
        return os.cpu_count() or 1


def _quota(folder: Path) -> float | None:
    """Returns the cores' worth of time that a control group has; None: no limit."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        quota = str(read_number(folder / "cpu.cfs_quota_us"))
        period = str(read_number(folder / "cpu.cfs_period_us"))
    try:
        return int(quota) / int(period) if int(quota) > 0 else None
    except (ValueError, ZeroDivisionError):  # `max`, or no such files
        return None


def read_number(file: Path) -> int | None:
    """Returns the number in a file; None where there is none."""
    try:
        return int(file.read_bytes())
    except (OSError, ValueError):
        return None


def control_groups(controller: str, proc: Path = PROC) -> Iterator[Path]:
    """Yields the folder of our control group, then those above it that we can see.

    Args:
        controller: What it limits: `cpu` or `memory`.
        proc: The process in the proc file system.
    """
    try:
        groups = (proc / "cgroup").read_text("utf-8", "surrogateescape").splitlines()
        mounts = (proc / "mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    paths = {}
    for line in groups:  # number:controllers:path; version 2 names no controllers
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    for name, kind in ((controller, "cgroup"), ("", "cgroup2")):
        mount = _mount(mounts, kind, name)
        if name not in paths or mount is None:
            continue
        point, root = mount
        own = PurePosixPath(paths[name])
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
