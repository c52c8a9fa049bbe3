"""A lane: a killable child process that touches pixels so that the worker need not.

It reads one request after the other from its standard input and answers each on its
standard output. What it does with a request is its task, named `module:Class` by the
first message. A photo that crashes, hangs or swells takes down its lane, never the
worker. `pipelines.lanes` owns the lanes and decides what a death means.

A message is a JSON header and any number of blobs:
    4 bytes: number of parts, then for each part 8 bytes of length and its bytes.
"""

import contextlib
import ctypes
import importlib
import json
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from fcn_core.bad_image import BadImage

Header = dict[str, Any]

_PR_SET_PDEATHSIG = 1


class Task(Protocol):
    """What a lane does: built once from its settings, then called per request."""

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Answers one request.

        Raises:
            BadImage: the reason why this request cannot be answered.
        """


def write_message(
    file: BinaryIO, header: Mapping[str, Any], blobs: Sequence[bytes]
) -> None:
    """Writes one message and flushes it."""
    parts = [json.dumps(header, separators=(",", ":")).encode(), *blobs]
    file.write(struct.pack("<I", len(parts)))
    for part in parts:
        file.write(struct.pack("<Q", len(part)))
        file.write(part)
    file.flush()


def read_message(file: BinaryIO) -> tuple[Header, list[bytes]] | None:
    """Reads one message; None where the stream ends, also in the middle of one."""
    try:
        (count,) = struct.unpack("<I", _read_exactly(file, 4))
        parts = []
        for _ in range(count):
            (length,) = struct.unpack("<Q", _read_exactly(file, 8))
            parts.append(_read_exactly(file, length))
    except EOFError:
        return None
    return json.loads(parts[0]), parts[1:]


def _read_exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) != length:
        raise EOFError
    return data


def _load(task: str) -> Callable[[Header], Task]:
    module, _, name = task.partition(":")
    return getattr(importlib.import_module(module), name)


def resident_bytes() -> int:
    """Returns the memory this process holds now, in bytes; 0 where it is not told."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _data_bytes() -> int:
    """Returns what counts against RLIMIT_DATA now, in bytes; 0 where untold."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


class _Limits:
    """Budgets of one request that the kernel enforces, whatever C code does."""

    def __init__(self, *, cpu_seconds: float, memory_bytes: int):
        self._cpu_seconds = cpu_seconds
        self._memory_bytes = memory_bytes

    def arm(self) -> None:
        """Gives the next request its CPU time (SIGXCPU) and memory (MemoryError)."""
        used = time.process_time()
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = int(used + self._cpu_seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
        if held := _data_bytes():
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            limit = held + self._memory_bytes
            resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _end_with_parent() -> None:
    """Has the kernel kill this process when the thread that started it is gone.

    Standard input ends then, too, but only a lane between two requests looks there.
    """
    with contextlib.suppress(OSError, AttributeError):  # no Linux: no such call
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _detach() -> None:
    """Makes this process the one to die first, and leaves no core file behind."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _answer(
    task: Task, header: Header, blobs: Sequence[bytes]
) -> tuple[Header, list[bytes]]:
    try:
        reply, reply_blobs = task(header, blobs)
        return {"reply": reply, "resident": resident_bytes()}, reply_blobs
    except BadImage as bad:
        verdict = {"stage": bad.stage, "reason": bad.reason, "detail": bad.detail}
        return {"bad": verdict, "resident": resident_bytes()}, []
    except MemoryError:
        return {"out_of_memory": True}, []
    except Exception as error:
        # Bad data is a value; what is left is bad code or a bad model.
        return {"fault": f"{error}" or type(error).__name__}, []


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answers requests until the stream ends."""
    first = read_message(requests)
    if first is None:
        return
    settings, _ = first
    try:
        task = _load(settings["task"])(settings["config"])
    except Exception as error:
        write_message(replies, {"fault": f"{error}" or type(error).__name__}, [])
        return
    limits = _Limits(
        cpu_seconds=settings["cpu_seconds"], memory_bytes=settings["memory_bytes"]
    )
    write_message(replies, {"ready": True}, [])
    while (message := read_message(requests)) is not None:
        limits.arm()
        write_message(replies, *_answer(task, *message))


def main() -> None:
    """Runs a lane on standard input and output."""
    _end_with_parent()
    _detach()
    # Native libraries print to descriptor 1; replies go where they cannot reach.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
