"""Processes: Python code in one of its own, whether one is alive, what it shares."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def spawn(code: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    """Starts Python code with arguments; its standard error is a pipe."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


def is_alive(pid: int) -> bool:
    """Tells whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def memories(pid: int) -> set[tuple[int, int]]:
    """Returns which memory without a name a process has open: device and inode."""
    found = set[tuple[int, int]]()
    for path in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            if os.readlink(path).startswith("/memfd:fcn-slots"):  # noqa: PTH115
                status = path.stat()
                found.add((status.st_dev, status.st_ino))
    return found


def shared_names(*pids: int) -> list[str]:
    """Returns the names in shared memory that carry the number of a process."""
    names = [path.name for path in Path("/dev/shm").iterdir()]
    numbers = {f"{pid}" for pid in pids}
    return [name for name in names if numbers & {*re.findall(r"\d+", name)}]
