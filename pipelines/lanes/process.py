"""One lane as its owner sees it: started, asked, ended, and what its end means.

The child's side is `lanes.child`; which request goes to which lane, and what a second
death over the same request means, is decided in `lanes.pool`.
"""

import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import pipelines
from fcn_core import libraries
from pipelines.faults import SystemicFault
from pipelines.lanes.messages import (
    Answer,
    Garbled,
    Header,
    Request,
    parse_answers,
    read_message,
    widen,
    write_message,
)
from pipelines.lanes.settings import LaneSettings

_CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}
)
_REFUSALS = frozenset({signal.SIGSYS, signal.SIGTRAP})
"""What a sandbox or a failed check of C code ends a process with."""

_BUFFER_BYTES = 1 << 16
"""Of replies: most are read with one call."""

_LEAVE_SECONDS = 10.0
_START_SECONDS = 300.0
"""A lane may always take so long to start: it loads its libraries and models."""
_CHECKS_PER_TIMEOUT = 20
"""How many times the deadline is checked within one timeout."""
_PASSED_ON = (
    *("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "TZ"),
    "TF_CPP_MIN_LOG_LEVEL",
)


class Death(Exception):
    """A lane is gone.

    Attributes:
        strike: The reason if its request is to blame, else None.
        suspicion: The reason if its request may be to blame, else None: others could
            have done the same.
        is_overdue: Whether it was we who ended it, as no answer came.
        last_words: The last line that the lane printed, or "".
    """

    def __init__(
        self,
        message: str,
        *,
        strike: str | None = None,
        suspicion: str | None = None,
        is_overdue: bool = False,
        last_words: str = "",
    ):
        super().__init__(message)
        self.strike, self.suspicion = strike, suspicion
        self.is_overdue, self.last_words = is_overdue, last_words

    @property
    def account(self) -> str:
        """What a person should know: how it ended, and what it printed last."""
        return f"{self}: {self.last_words}" if self.last_words else f"{self}"


class LaneProcess:
    """One child process, started and driven by one thread for its whole life.

    The kernel ends a lane when the thread that started it ends, see `lanes.child.main`.

    Args:
        settings: What it is to run.
        kernel_kills: Counts the processes that the kernel killed for want of memory.
    """

    def __init__(self, settings: LaneSettings, kernel_kills: Callable[[], int]):
        self._settings, self._kernel_kills = settings, kernel_kills
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            # -P: the folder that a person happens to be in must not replace our code.
            [sys.executable, "-P", "-m", "pipelines.lanes.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=_BUFFER_BYTES,
            env=_environment() | dict(settings.environment),
            pass_fds=settings.inherited,
            start_new_session=True,  # a Ctrl-C in the terminal is not for lanes
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._replies = self._process.stdin, self._process.stdout
        widen(self._requests.fileno())
        widen(self._replies.fileno())
        self._deadline, self._is_overdue = math.inf, False
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="lane-watch", daemon=True).start()
        self._greet()

    def _watch(self) -> None:
        """Kills the process when an answer is overdue.

        One thread that checks now and then: a timer for each request would cost as much
        as a small request itself.
        """
        interval = self._settings.limits.silence_seconds / _CHECKS_PER_TIMEOUT
        while not self._closed.wait(interval):
            if time.monotonic() > self._deadline:
                self._is_overdue = True
                self._process.kill()

    def _greet(self) -> None:
        limits = self._settings.limits
        settings = {
            "task": self._settings.task,
            "config": self._settings.config,
            "cpu_seconds": limits.cpu_seconds,
            "memory_bytes": limits.memory_bytes,
            "recycle_bytes": limits.recycle_bytes,
            "lanes": self._settings.count,
        }
        try:
            seconds = max(_START_SECONDS, limits.silence_seconds)
            answer, _ = self._exchange(settings, [], seconds=seconds)
        except Death as death:  # it held no request yet, so none is to blame
            raise Death(f"a lane does not start: {death.account}") from death
        if "fault" in answer:
            self.close()
            raise SystemicFault(answer["fault"])

    def call(self, request: Request, *, alone: bool) -> Answer:
        """Has one request answered.

        Args:
            request: What to answer.
            alone: Whether the other lanes are at rest.

        Raises:
            Death: The lane is lost over it.
            SystemicFault: The task failed, and no request is to blame.
        """
        return self.call_together([request], alone=alone)[0]

    def call_together(
        self, requests: Sequence[Request], *, alone: bool = False
    ) -> list[Answer]:
        """Has several requests answered with one message, one after the other.

        Args:
            requests: What to answer.
            alone: Whether the other lanes are at rest.

        Raises:
            Death: The lane is lost over one of them.
            SystemicFault: The task failed, and no request is to blame.
        """
        tasks = [(request.header, len(request.blobs)) for request in requests]
        asked = [blob for request in requests for blob in request.blobs]
        envelope = {"tasks": tasks, "alone": alone}
        seconds = self._settings.limits.silence_seconds
        reply, blobs = self._exchange(envelope, asked, seconds=seconds)
        match reply:
            case {"fault": str(fault)}:
                self.close()
                raise SystemicFault(fault)
            case {"out_of_memory": True}:
                self.close()
                raise Death("the memory limit of one request", strike="out-of-memory")
        try:
            answers = parse_answers(reply["answers"], blobs, count=len(requests))
            is_spent = reply["replace"]
        except (KeyError, Garbled) as error:
            raise self._garbled() from error
        if is_spent:
            self.close()
        return answers

    def _exchange(
        self, header: Header, blobs: Sequence[bytes], *, seconds: float
    ) -> tuple[Header, list[bytes]]:
        kills = self._kernel_kills()
        self._deadline = time.monotonic() + seconds
        try:
            write_message(self._requests.fileno(), header, blobs)
            message = read_message(self._replies)  # type: ignore[arg-type]
        except Garbled as error:
            raise self._garbled() from error
        except (BrokenPipeError, ValueError):
            message = None
        finally:
            self._deadline = math.inf
        if message is None:
            raise self._death(kills)
        return message

    def _garbled(self) -> Death:
        self.close()
        return Death("a garbled answer", suspicion="decoder-crash")

    def _death(self, kills: int) -> Death:
        """Returns how the process ended.

        Args:
            kills: Of the kernel, when the request began.
        """
        is_ours = self._is_overdue
        try:
            code = self._process.wait(timeout=_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:  # it closed its pipe, but does not end
            self._process.kill()
            code, is_ours = self._process.wait(), True
        last_words = self._last_words()
        self.close()
        if code == -signal.SIGXCPU:
            return Death("the CPU time of one request", strike="timeout")
        if -code in _CRASHES:
            return Death(signal.Signals(-code).name, strike="decoder-crash")
        message, suspicion = f"ended with code {code}", None
        if -code in _REFUSALS:
            message, suspicion = signal.Signals(-code).name, "decoder-crash"
        elif code >= 0:
            suspicion = "decoder-crash"
        elif code == -signal.SIGKILL and not is_ours and self._kernel_kills() > kills:
            message, suspicion = "the kernel's OOM killer", "out-of-memory"
        return Death(
            message, suspicion=suspicion, is_overdue=is_ours, last_words=last_words
        )

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read()[-2000:].decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    @property
    def alive(self) -> bool:
        """Whether the process can take a request."""
        return self._process.poll() is None and not self._log.closed

    def close(self) -> None:
        """Kills the process and closes its pipes."""
        self._closed.set()
        self._process.kill()
        self._process.wait()
        for stream in (self._requests, self._replies, self._log):
            stream.close()


def _environment() -> dict[str, str]:
    """Returns a lane's environment: nothing that could hold a credential."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    root = os.fspath(Path(pipelines.__file__).resolve().parent.parent)
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    return {
        **environment,
        **dict.fromkeys(threads, "1"),
        "PYTHONPATH": root,
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        libraries.KERAS_HOME: libraries.NOWHERE,
    }
