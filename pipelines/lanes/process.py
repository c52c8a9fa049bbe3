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
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pipelines
from fcn_core.bad_image import BadImage
from pipelines.faults import SystemicFault
from pipelines.lanes.messages import (
    Answer,
    Header,
    Request,
    read_message,
    widen,
    write_message,
)
from pipelines.lanes.settings import LaneSettings

_CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}
)
_LEAVE_SECONDS = 10.0
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
    """

    def __init__(self, strike: str | None, message: str):
        super().__init__(message)
        self.strike = strike


class LaneProcess:
    """One child process, started and driven by one thread for its whole life.

    The kernel ends a lane when the thread that started it ends, see `lanes.child.main`.
    """

    def __init__(self, settings: LaneSettings):
        self._settings = settings
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            # -P: the folder that a person happens to be in must not replace our code.
            [sys.executable, "-P", "-m", "pipelines.lanes.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(),
            start_new_session=True,  # a Ctrl-C in the terminal is not for lanes
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._replies = self._process.stdin, self._process.stdout
        widen(self._requests.fileno())
        widen(self._replies.fileno())
        self._deadline = math.inf
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
                self._process.kill()

    def _greet(self) -> None:
        limits = self._settings.limits
        settings = {
            "task": self._settings.task,
            "config": self._settings.config,
            "cpu_seconds": limits.cpu_seconds,
            "memory_bytes": limits.memory_bytes,
        }
        try:
            answer, _ = self._exchange(settings, [])
        except Death as death:  # it held no request yet, so none is to blame
            raise Death(None, f"a lane does not start: {death}") from death
        if "fault" in answer:
            self.close()
            raise SystemicFault(answer["fault"])

    def call(self, request: Request) -> Answer:
        """Has one request answered.

        Raises:
            Death: The lane is lost over it.
            SystemicFault: The task failed, and no request is to blame.
        """
        answer, blobs = self._exchange(request.header, request.blobs)
        if "fault" in answer:
            self.close()
            raise SystemicFault(answer["fault"])
        if "out_of_memory" in answer:
            self.close()
            raise Death("out-of-memory", "the memory limit of one request")
        if answer["resident"] > self._settings.limits.recycle_bytes:
            self.close()
        if "bad" in answer:
            return Answer(bad=BadImage(**answer["bad"]))
        return Answer(answer["reply"], blobs)

    def _exchange(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        self._deadline = time.monotonic() + self._settings.limits.silence_seconds
        try:
            write_message(self._requests.fileno(), header, blobs)
            message = read_message(self._replies)  # type: ignore[arg-type]
        except (BrokenPipeError, ValueError):
            message = None
        finally:
            self._deadline = math.inf
        if message is None:
            raise self._death()
        return message

    def _death(self) -> Death:
        try:
            code = self._process.wait(timeout=_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:  # it closed its pipe, but does not end
            self._process.kill()
            code = self._process.wait()
        log = self._last_words()
        self.close()
        if code == -signal.SIGXCPU:
            return Death("timeout", "the CPU time of one request")
        if -code in _CRASHES:
            return Death("decoder-crash", signal.Signals(-code).name)
        return Death(None, f"ended with code {code}{log}")

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read()[-2000:].decode(errors="replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""

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
    }
