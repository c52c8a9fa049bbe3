"""The pool of lanes: who gets which request, and what the death of a lane means.

A lane holds one request at a time, so a death has at most one suspect. Only a crash
signal or one of our limits (CPU time, memory) is a strike against the request that the
lane held; it gets a second try alone, with every other lane at rest, and a second
strike makes it a bad item. Any other death (Ctrl-C, SIGTERM, the kernel's OOM killer, a
preempted machine) blames no request.
"""

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from fcn_core.bad_image import BadImage
from pipelines.chunks.attempt import Attempt
from pipelines.faults import SystemicFault
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.process import Death, LaneProcess
from pipelines.lanes.settings import LaneSettings

_MAX_BLAMELESS_DEATHS = 3


class _Quiet:
    """Lets many threads work side by side, or one alone."""

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


Key = TypeVar("Key")

_Replies = queue.SimpleQueue[tuple[Any, Answer] | BaseException]
_Work = tuple[Any, Request, _Replies]


class _Lane:
    """One process after the other, for the thread that drives them."""

    def __init__(self, settings: LaneSettings):
        self._settings = settings
        self._process: LaneProcess | None = None

    def start_early(self) -> None:
        """Starts before there is work; the first request reports what is wrong."""
        with contextlib.suppress(Death, OSError, SystemicFault):
            self._process = LaneProcess(self._settings)

    def call(self, request: Request) -> Answer:
        """Has a request answered, by a new process if the last one is gone."""
        if self._process is None or not self._process.alive:
            self._process = LaneProcess(self._settings)
        return self._process.call(request)

    def close(self) -> None:
        if self._process is not None:
            self._process.close()


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

    def answer(
        self, items: Iterable[tuple[Key, Request | Answer]]
    ) -> Iterator[tuple[Key, Answer]]:
        """Yields the answers as they come, not in the order of their requests.

        Only a few more items than lanes are taken ahead of need, so memory does not
        grow with their number.

        Args:
            items: A key of the caller's each, and what to ask; where the answer is
                known already, no lane is asked.

        Raises:
            SystemicFault: No request is to blame, and trying again did not help.
        """
        replies: _Replies = queue.SimpleQueue()
        waiting = 0
        for key, asked in items:
            if isinstance(asked, Request):
                self._work.put((key, asked, replies))
            else:
                replies.put((key, asked))
            waiting += 1
            while waiting >= 2 * self.settings.lanes:
                yield self._take(replies)
                waiting -= 1
        for _ in range(waiting):
            yield self._take(replies)

    def _take(self, replies: _Replies) -> tuple[Any, Answer]:
        done = replies.get()
        if isinstance(done, BaseException):
            raise done
        return done

    def _drive(self) -> None:
        lane = _Lane(self.settings)
        lane.start_early()
        while (work := self._work.get()) is not None:
            key, request, replies = work
            try:
                replies.put((key, self._ask(lane, request)))
            except BaseException as fault:
                replies.put(fault)
        lane.close()

    def _ask(self, lane: "_Lane", request: Request) -> Answer:
        strikes = deaths = 0
        while True:
            alone = strikes > 0
            self._quiet.enter(alone=alone)
            try:
                return lane.call(request)
            except Death as death:
                if death.strike is not None:
                    strikes += 1
                    if strikes == 2:
                        detail = f"twice: {death}"
                        bad = BadImage(death.strike, detail, stage="decode")
                        return Answer(bad=bad)
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


def pool_of(attempt: Attempt, settings: LaneSettings) -> LanePool:
    """Returns the attempt's one pool of these settings, whoever asks."""
    return attempt.keep(settings, lambda: LanePool(settings))
