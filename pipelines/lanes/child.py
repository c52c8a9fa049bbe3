"""A lane: a killable child process that touches pixels so that the worker need not.

It reads one request after the other from its standard input and answers each on its
standard output. What it does with a request is its task, named `module:Class` by the
first message. A photo that crashes, hangs or swells takes down its lane, never the
worker. `lanes.pool` owns the lanes and decides what a death means; `lanes.messages` is
how they talk.
"""

import contextlib
import ctypes
import importlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from fcn_core.bad_image import BadImage
from pipelines.lanes.messages import Header, read_message, write_message

_PR_SET_PDEATHSIG = 1


class Task(Protocol):
    """What a lane does: built once from its settings, then called per request."""

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Answers one request.

        Raises:
            BadImage: Why this request cannot be answered.
        """


def _load(task: str) -> Callable[[Header], Task]:
    module, _, name = task.partition(":")
    return getattr(importlib.import_module(module), name)


class _Memory:
    """The memory of this process now; cheap, as it is read at every request."""

    def __init__(self) -> None:
        try:
            self._statm = os.open("/proc/self/statm", os.O_RDONLY)
        except OSError:
            self._statm = -1
        self._page = resource.getpagesize()

    def _pages(self, column: int) -> int:
        if self._statm < 0:
            return 0
        return int(os.pread(self._statm, 256, 0).split()[column])

    @property
    def resident_bytes(self) -> int:
        """Memory in use; 0 where the system does not say."""
        return self._pages(1) * self._page

    @property
    def data_bytes(self) -> int:
        """What counts against RLIMIT_DATA, and the stack; 0 where unknown."""
        return self._pages(5) * self._page


class _Limits:
    """Budgets of one request that the kernel enforces, whatever C code does."""

    def __init__(self, memory: _Memory, *, cpu_seconds: float, memory_bytes: int):
        self._memory = memory
        self._cpu_seconds = cpu_seconds
        self._memory_bytes = memory_bytes
        _, self._hard_cpu = resource.getrlimit(resource.RLIMIT_CPU)
        _, self._hard_data = resource.getrlimit(resource.RLIMIT_DATA)

    def arm(self) -> None:
        """Gives the next request its CPU time (SIGXCPU) and memory (MemoryError)."""
        soft = int(time.process_time() + self._cpu_seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft, self._hard_cpu))
        if held := self._memory.data_bytes:
            limit = held + self._memory_bytes
            resource.setrlimit(resource.RLIMIT_DATA, (limit, self._hard_data))


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
    task: Task, message: tuple[Header, list[bytes]], *, memory: _Memory
) -> tuple[Header, list[bytes]]:
    try:
        reply, reply_blobs = task(*message)
        return {"reply": reply, "resident": memory.resident_bytes}, reply_blobs
    except BadImage as bad:
        verdict = {"stage": bad.stage, "reason": bad.reason, "detail": bad.detail}
        return {"bad": verdict, "resident": memory.resident_bytes}, []
    except MemoryError:
        return {"out_of_memory": True}, []
    except Exception as error:
        # Bad data is a BadImage; what is left is bad code or a bad model.
        return {"fault": f"{error}" or type(error).__name__}, []


def serve(requests: BinaryIO, replies: int, memory: _Memory) -> None:
    """Answers requests until the stream ends.

    Args:
        requests: Stream to read from.
        replies: Descriptor to write to.
        memory: Memory of this process.
    """
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
        memory,
        cpu_seconds=settings["cpu_seconds"],
        memory_bytes=settings["memory_bytes"],
    )
    write_message(replies, {"ready": True}, [])
    while (message := read_message(requests)) is not None:
        limits.arm()
        write_message(replies, *_answer(task, message, memory=memory))


def main() -> None:
    """Runs a lane on standard input and output."""
    _end_with_parent()
    _detach()
    memory = _Memory()
    # Native libraries print to descriptor 1; replies go where they cannot reach.
    replies = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, replies, memory)


if __name__ == "__main__":
    main()
