"""The library that breaks the n-th write-like call: built, armed, its log read."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

SOURCE: Final = Path(__file__).with_name("shim.c")


class NotHere(Exception):
    """Why this machine cannot do what a test needs."""


@dataclass(frozen=True)
class Fault:
    """What happens at a counted call.

    Attributes:
        mode: `kill` before the call, `after` it, `halve` a write and kill, `fail` it
            with `error`, `stop` the process before it, `short` half of a write is
            written and told; `none` only counts.
        at: The number of the call, from 1 on.
        span: How many calls fail from there on; 0: all.
        error: The errno of `fail`.
    """

    mode: str = "none"
    at: int = 0
    span: int = 1
    error: int = 0


class Call(NamedTuple):
    """A counted call, as the log has it.

    Attributes:
        result: What it returned; `kill` or `stop` where it was not made.
        data: Where its bytes begin in the file of data, -1 without one.
        flags: 1 where `open` made the file, 2 where it emptied it.
    """

    number: int
    op: str
    result: str
    error: int
    bytes: int
    offset: int
    data: int
    inode: int
    flags: int
    path: str
    path2: str

    @property
    def is_done(self) -> bool:
        """Whether it was made and did not fail."""
        return self.result.isdigit()


def build(folder: Path) -> Path:
    """Compiles the library into a folder; returns it.

    Raises:
        NotHere: No Linux, or no compiler.
    """
    if sys.platform != "linux":
        raise NotHere("faults are injected by a library for Linux")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NotHere("no C compiler (cc, gcc): faults cannot be injected")
    library = folder / "shim.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
    command += ["-o", os.fspath(library), os.fspath(SOURCE), "-lpthread"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        raise NotHere(f"the library does not compile: {built.stderr}")
    return library


def arm(root: str, fault: Fault, *, log: str, data: str) -> None:
    """Has the library, loaded with this process, count from now on."""
    ctypes.CDLL(None).fault_arm(
        *(text.encode() for text in (root, log, data, fault.mode)),
        ctypes.c_long(fault.at),
        ctypes.c_long(fault.span),
        ctypes.c_int(fault.error),
    )


def environment(
    library: Path, root: Path, fault: Fault, *, log: Path, data: Path | None = None
) -> Mapping[str, str]:
    """Returns what arms a process of its own from its start on."""
    return {
        "LD_PRELOAD": os.fspath(library),
        "FAULT_ROOT": os.path.realpath(root),
        "FAULT_LOG": os.fspath(log),
        "FAULT_DATA": os.fspath(data or ""),
        "FAULT_MODE": fault.mode,
        "FAULT_AT": str(fault.at),
        "FAULT_SPAN": str(fault.span),
        "FAULT_ERRNO": str(fault.error),
    }


def read_log(path: Path) -> list[Call]:
    """Returns the counted calls, in the order of their effects."""
    if not path.exists():
        return []
    calls = []
    for line in path.read_text().splitlines():
        number, op, result, *numbers, name, name2 = line.split("\t")
        error, size, offset, data, inode, flags = map(int, numbers)
        done = (int(number), op, result, error, size, offset, data, inode, flags)
        calls.append(Call(*done, name, name2))
    return calls
