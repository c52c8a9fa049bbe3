"""The pool of lanes: who gets which request, and which have to wait.

What the death of a lane means is decided in `lanes.trial`.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from pipelines.chunks.attempt import Attempt
from pipelines.lanes.lane import Lane
from pipelines.lanes.memory import KernelKills, MemoryLimit
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.models import with_fetched
from pipelines.lanes.settings import LaneSettings
from pipelines.lanes.trial import Case, Trials

_MAX_SET_ASIDE: Final = 8
"""Each holds a photo in memory; where as many kill their lanes, it is the machine."""

Key = TypeVar("Key")
Done = tuple[Any, Answer]


@dataclass
class _Work:
    """An item on its way: the caller's key, what is asked, where the answer goes."""

    key: Any
    case: Case
    replies: "queue.SimpleQueue[Done | _Work | BaseException]"


class _Caller:
    """The items of one caller: those on their way, and those that are set aside."""

    def __init__(self, work: "queue.SimpleQueue[_Work | None]", trials: Trials):
        self._work, self._trials = work, trials
        self._replies: queue.SimpleQueue[Done | _Work | BaseException] = (
            queue.SimpleQueue()
        )
        self._aside: list[_Work] = []
        self._at_end = False
        self.waiting = 0

    def give(self, key: Any, asked: Request | Answer) -> None:
        self.waiting += 1
        if isinstance(asked, Request):
            self._work.put(_Work(key, Case(asked), self._replies))
        else:
            self._replies.put((key, asked))

    def take(self) -> Iterator[Done]:
        """Waits for an item that is done; yields nothing where it has to be set aside.

        Raises:
            SystemicFault: No request is to blame.
        """
        done = self._replies.get()
        self.waiting -= 1
        if isinstance(done, BaseException):
            raise done
        if isinstance(done, _Work):
            self._aside.append(done)
            if self._at_end or len(self._aside) > _MAX_SET_ASIDE:
                raise done.case.unproven()
        else:
            yield done
        if self._trials.can_prove:
            self._ask_again()

    def rest(self) -> Iterator[Done]:
        """Yields what is left, with a last try for what was set aside."""
        while self.waiting or self._aside:
            if not self.waiting:
                self._at_end = True
                self._ask_again()
            yield from self.take()

    def _ask_again(self) -> None:
        for work in self._aside:
            self._work.put(work)
        self.waiting += len(self._aside)
        self._aside.clear()


class LanePool:
    """Lanes of one kind, one permanent thread each.

    Args:
        settings: What they run, and how many.
        kernel_kills: Counts what the kernel killed for want of memory; None: asks it.
    """

    def __init__(
        self,
        settings: LaneSettings,
        *,
        kernel_kills: Callable[[], int] | None = None,
    ):
        self.settings = settings
        kills = kernel_kills or KernelKills()
        self._lanes = [Lane(settings, kills) for _ in range(settings.count)]
        self._limit = MemoryLimit.find()
        self._trials = Trials(self._lanes, self._is_memory_short)
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(
                target=self._drive, args=[lane], name=f"lane-{number}", daemon=True
            )
            for number, lane in enumerate(self._lanes)
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
        caller = _Caller(self._work, self._trials)
        for key, asked in items:
            caller.give(key, asked)
            while caller.waiting >= 2 * self.settings.count:
                yield from caller.take()
        yield from caller.rest()

    def _is_memory_short(self) -> bool:
        """Returns whether one lane alone could want more than there is."""
        wanted = self.settings.limits.memory_bytes
        return self._limit is not None and self._limit.free_bytes(wanted) < wanted

    def _drive(self, lane: Lane) -> None:
        lane.start_early()
        while (work := self._work.get()) is not None:
            try:
                answer = self._trials.ask(lane, work.case)
                work.replies.put(work if answer is None else (work.key, answer))
            except BaseException as fault:
                work.replies.put(fault)
        lane.close()

    def close(self) -> None:
        """Ends all lanes once their open requests are done."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(timeout=5)


def pool_of(attempt: Attempt, settings: LaneSettings) -> LanePool:
    """Returns the attempt's one pool of these settings, whoever asks."""

    def start() -> LanePool:
        here = settings.shared_by(attempt.processes)
        return LanePool(replace(here, config=with_fetched(settings.config)))

    return attempt.keep(settings, start)
