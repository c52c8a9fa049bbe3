"""The pool of lanes: who gets which request, and what the death of a lane means.

A lane holds one request at a time, so a death has at most one suspect. Only a death
by the decoder's own hand (a crash signal) or by our limits (CPU time, memory) is a
strike against the request it held; a request gets a second try alone, with every
other lane at rest, and a second strike makes it a row. Any other death (Ctrl-C,
SIGTERM, the kernel's OOM killer, a preempted machine) blames no request.
"""

import atexit
import queue
import threading
from collections.abc import Iterable, Iterator

from fcn_core.bad_image import BadImage
from pipelines.faults import SystemicFault
from pipelines.lanes.process import Death, LaneProcess
from pipelines.lanes.request import Request
from pipelines.lanes.settings import LaneSettings

_MAX_BLAMELESS_DEATHS = 3


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
        mine = self._start_early()
        while (work := self._work.get()) is not None:
            request, replies = work
            try:
                mine = self._work_on(request, mine)
                replies.put(request)
            except BaseException as fault:
                replies.put(fault)
        if mine is not None:
            mine.close()

    def _start_early(self) -> LaneProcess | None:
        """Starts before there is work; what is wrong is told by the first request."""
        try:
            return LaneProcess(self.settings)
        except (Death, OSError, SystemicFault):
            return None

    def _work_on(
        self, request: Request, mine: LaneProcess | None
    ) -> LaneProcess | None:
        if request.bad is not None or request.reply is not None:
            return mine  # it could not even be read: nothing to do
        strikes = deaths = 0
        while True:
            alone = strikes > 0
            self._quiet.enter(alone=alone)
            try:
                if mine is None or not mine.alive:
                    mine = LaneProcess(self.settings)
                mine.call(request)
                return mine
            except Death as death:
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
