"""The pool of lanes: who gets which request, and which have to wait.

What the death of a lane means is decided in `lanes.trial`.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from pipelines.chunks.attempt import Attempt
from pipelines.lanes.caller import Caller, Key, Work
from pipelines.lanes.gpu.pool import DevicePool
from pipelines.lanes.lane import Lane
from pipelines.lanes.memory import KernelKills, MemoryLimit
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.models import with_fetched
from pipelines.lanes.settings import LaneSettings
from pipelines.lanes.trial import Trials


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
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
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
        caller = Caller(self._work.put, self._trials)
        yield from caller.answers(items, depth=2 * self.settings.count)

    def _is_memory_short(self) -> bool:
        """Returns whether one lane alone could want more than there is."""
        wanted = self.settings.limits.memory_bytes
        if self._limit is None or wanted is None:
            return False
        return self._limit.free_bytes(wanted) < wanted

    def _drive(self, lane: Lane) -> None:
        lane.start_early()
        while (work := self._work.get()) is not None:
            try:
                answer = self._trials.ask(lane, work.case)
                work.replies.put([work if answer is None else (work.key, answer)])
            except BaseException as fault:
                work.replies.put([fault])
        lane.close()

    def close(self) -> None:
        """Ends all lanes once their open requests are done."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(timeout=5)


class Answering(Protocol):
    """A pool, with or without a device."""

    settings: LaneSettings

    def answer(
        self, items: Iterable[tuple[Key, Request | Answer]]
    ) -> Iterator[tuple[Key, Answer]]:
        """See `LanePool.answer`."""

    def close(self) -> None:
        """Ends all lanes."""


def pool_of(attempt: Attempt, settings: LaneSettings) -> Answering:
    """Returns the attempt's one pool of these settings, whoever asks."""

    def start() -> Answering:
        here = settings.shared_by(attempt.processes)
        here = replace(here, config=with_fetched(settings.config))
        if here.device is not None:
            gpus = here.device.here(settings.config.get("instruction_set", ""))
            return DevicePool(here, gpus)
        return LanePool(here)

    return attempt.keep(settings, start)
