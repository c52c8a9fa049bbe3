"""The pool of lanes: who gets which request, and what the death of a lane means.

A lane holds one request at a time, so a death has at most one suspect. Only a death
by the decoder's own hand (a crash signal) or by our limits (CPU time, memory) is a
strike against the request it held; a request gets a second try alone, with every
other lane at rest, and a second strike makes it a row. Any other death (Ctrl-C,
SIGTERM, the kernel's OOM killer, a preempted machine) blames no request.
"""

import atexit
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pipelines
from fcn_core.bad_image import BadImage
from pipelines import lane
from pipelines.faults import SystemicFault
from pipelines.lane import Header

_CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}
)
_MAX_BLAMELESS_DEATHS = 3
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "TZ")


@dataclass(frozen=True)
class LaneLimits:
    """What one request may cost before its lane is taken down.

    Attributes:
        cpu_seconds: CPU time of one request.
        memory_bytes: Memory that one request may add to its lane.
        recycle_bytes: A lane that holds more than this between two requests is
            replaced by a fresh one.
        silence_seconds: Wall time without an answer after which a lane is taken for
            stuck (stopped, starved): nobody's strike.
    """

    cpu_seconds: float = 60.0
    memory_bytes: int = 2 << 30
    recycle_bytes: int = 3 << 30
    silence_seconds: float = 300.0


@dataclass(frozen=True)
class LaneSettings:
    """What a pool of lanes is: equal settings share one pool in a process.

    Attributes:
        task: `module:Class`, see `pipelines.lane.Task`.
        config: JSON of the settings that the task is built from.
        lanes: Number of child processes.
        limits: Budgets of one request.
    """

    task: str
    config: str
    lanes: int
    limits: LaneLimits = field(default_factory=LaneLimits)


@dataclass
class Request:
    """One thing to do, and after it is done, what came of it.

    Attributes:
        key: The caller's own name for it.
        header: JSON-able settings of this request.
        blobs: Bytes to work on.
        reply: The task's answer, None where there is none.
        reply_blobs: Bytes of the answer.
        bad: Why there is no answer.
    """

    key: Any
    header: Header
    blobs: list[bytes]
    reply: Header | None = None
    reply_blobs: list[bytes] = field(default_factory=list)
    bad: BadImage | None = None


class _Death(Exception):
    """A lane is gone; `strike` is the reason if its request is to blame."""

    def __init__(self, strike: str | None, message: str):
        super().__init__(message)
        self.strike = strike


class _Lane:
    """One child process; started and driven by one thread for its whole life."""

    def __init__(self, settings: LaneSettings):
        self._settings = settings
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.lane"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(),
            start_new_session=True,  # a Ctrl-C in the terminal is not for lanes
        )
        self._greet()

    def _greet(self) -> None:
        limits = self._settings.limits
        settings = {
            "task": self._settings.task,
            "config": json.loads(self._settings.config),
            "cpu_seconds": limits.cpu_seconds,
            "memory_bytes": limits.memory_bytes,
        }
        try:
            answer, _ = self._exchange(settings, [])
        except _Death as death:  # not ready yet: whatever it held is not to blame
            raise _Death(None, f"a lane does not start: {death}") from death
        if "fault" in answer:
            self.close()
            raise SystemicFault(answer["fault"])

    def call(self, request: Request) -> None:
        """Has one request answered; raises _Death where the lane is lost over it."""
        answer, blobs = self._exchange(request.header, request.blobs)
        if "fault" in answer:
            raise SystemicFault(answer["fault"])
        if "out_of_memory" in answer:
            self.close()
            raise _Death("out-of-memory", "the memory limit of one request")
        if "bad" in answer:
            bad = answer["bad"]
            request.bad = BadImage(bad["reason"], bad["detail"], stage=bad["stage"])
        else:
            request.reply, request.reply_blobs = answer["reply"], blobs
        if answer["resident"] > self._settings.limits.recycle_bytes:
            self.close()

    def _exchange(
        self, header: Header, blobs: list[bytes]
    ) -> tuple[Header, list[bytes]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        stuck = threading.Timer(
            self._settings.limits.silence_seconds, self._process.kill
        )
        stuck.start()
        try:
            lane.write_message(self._process.stdin, header, blobs)  # type: ignore[arg-type]
            message = lane.read_message(self._process.stdout)  # type: ignore[arg-type]
        except (BrokenPipeError, ValueError):
            message = None
        finally:
            stuck.cancel()
        if message is None:
            raise self._death()
        return message

    def _death(self) -> _Death:
        code = self._process.wait()
        log = self._last_words()
        self.close()
        if code == -signal.SIGXCPU:
            return _Death("timeout", "the CPU time of one request")
        if -code in _CRASHES:
            return _Death("decoder-crash", signal.Signals(-code).name)
        return _Death(None, f"ended with code {code}{log}")

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read()[-2000:].decode(errors="replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""

    @property
    def alive(self) -> bool:
        return self._process.poll() is None and not self._log.closed

    def close(self) -> None:
        """Ends the process; closing its standard input is its sign to go."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                # The pipe of a dead process cannot be flushed.
                try:
                    stream.close()
                except BrokenPipeError:
                    continue


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
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


class _Quiet:
    """Lets many work side by side, or one alone."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._working = 0
        self._alone = False

    def enter(self, *, alone: bool) -> None:
        with self._condition:
            if alone:
                self._condition.wait_for(lambda: not self._alone)
                self._alone = True
                self._condition.wait_for(lambda: self._working == 0)
            else:
                self._condition.wait_for(lambda: not self._alone)
                self._working += 1

    def leave(self, *, alone: bool) -> None:
        with self._condition:
            if alone:
                self._alone = False
            else:
                self._working -= 1
            self._condition.notify_all()


_Work = tuple[Request, "queue.SimpleQueue[Request | BaseException]"]


class LanePool:
    """Lanes of one kind, one permanent thread each."""

    def __init__(self, settings: LaneSettings):
        self.settings = settings
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._quiet = _Quiet()
        self._threads = [
            threading.Thread(target=self._drive, name=f"lane-{number}", daemon=True)
            for number in range(settings.lanes)
        ]
        for thread in self._threads:
            thread.start()

    def answer(self, requests: Iterable[Request]) -> Iterator[Request]:
        """Yields the requests as they are done, not in their order.

        Only a few more requests than lanes are taken from `requests` ahead of need,
        so memory does not grow with their number.

        Raises:
            SystemicFault: no request is to blame, and trying again did not help.
        """
        replies: queue.SimpleQueue[Request | BaseException] = queue.SimpleQueue()
        waiting = 0
        for request in requests:
            self._work.put((request, replies))
            waiting += 1
            while waiting >= 2 * self.settings.lanes:
                yield self._take(replies)
                waiting -= 1
        for _ in range(waiting):
            yield self._take(replies)

    def _take(self, replies: "queue.SimpleQueue[Request | BaseException]") -> Request:
        done = replies.get()
        if isinstance(done, BaseException):
            raise done
        return done

    def _drive(self) -> None:
        mine: _Lane | None = None
        while (work := self._work.get()) is not None:
            request, replies = work
            try:
                mine = self._work_on(request, mine)
                replies.put(request)
            except BaseException as fault:
                replies.put(fault)
        if mine is not None:
            mine.close()

    def _work_on(self, request: Request, mine: _Lane | None) -> _Lane | None:
        if request.bad is not None or request.reply is not None:
            return mine  # it could not even be read: nothing to do
        strikes = deaths = 0
        while True:
            alone = strikes > 0
            self._quiet.enter(alone=alone)
            try:
                if mine is None or not mine.alive:
                    mine = _Lane(self.settings)
                mine.call(request)
                return mine
            except _Death as death:
                if death.strike is not None:
                    strikes += 1
                    if strikes == 2:
                        detail = f"twice: {death}"
                        request.bad = BadImage(death.strike, detail, stage="decode")
                        return mine
                else:
                    deaths += 1
                    if deaths == _MAX_BLAMELESS_DEATHS:
                        message = f"lanes die, and no photo is to blame: {death}"
                        raise SystemicFault(message) from death
            finally:
                self._quiet.leave(alone=alone)

    def close(self) -> None:
        """Ends all lanes once their open requests are done."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(timeout=5)


_pools: dict[LaneSettings, LanePool] = {}
_pools_lock = threading.Lock()


def shared_pool(settings: LaneSettings) -> LanePool:
    """Returns the process's one pool of these settings, whoever asks."""
    with _pools_lock:
        if settings not in _pools:
            _pools[settings] = LanePool(settings)
        return _pools[settings]


def close_all() -> None:
    """Ends every shared pool of this process."""
    with _pools_lock:
        pools = list(_pools.values())
        _pools.clear()
    for pool in pools:
        pool.close()


atexit.register(close_all)
