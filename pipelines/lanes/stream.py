"""Chunks through lanes without a pause: opened, read ahead, answered, committed.

A chunk is opened when reading comes to it, so that memory holds the items of a few
chunks however many there are; its commit runs beside the lanes. What an item is and
what a chunk becomes is the job's business, see `OpenChunk`.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.read_ahead import read_ahead
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.pool import Answering, pool_of
from pipelines.lanes.settings import LaneSettings


class OpenChunk(Protocol):
    """A chunk that still lacks items."""

    @property
    def size(self) -> int:
        """Its number of items."""

    def request(self, index: int) -> Request | Answer:
        """Returns what to ask a lane about an item, or the answer if it is known.

        Called from a reading thread.
        """

    def take(self, index: int, answer: Answer) -> bool:
        """Takes the answer about an item; returns whether the item is ok."""

    def commit(self) -> Counts:
        """Makes the chunk visible, with all its items taken."""


@dataclass(frozen=True)
class Reading:
    """How items are read ahead of the lanes.

    Attributes:
        threads: Number of reading threads.
        together: Items a hand-over; each costs as much as reading something small.
    """

    threads: int
    together: int = 1

    def depth(self, lanes: int) -> int:
        """Returns how many hand-overs to hold: one a thread, and two items a lane."""
        return self.threads + -(-2 * lanes // self.together)


def process(
    chunks: Iterable[int],
    open_chunk: Callable[[int], OpenChunk | Counts],
    *,
    attempt: Attempt,
    lanes: LaneSettings,
    reading: Reading,
) -> Iterator[Counts]:
    """Makes sure that each chunk is committed; yields the counts of each.

    Args:
        chunks: Taken as reading comes to them.
        open_chunk: Opens a chunk, or returns the counts of a committed one.
        attempt: What this process shares.
        lanes: The pool that answers.
        reading: How to read ahead.

    Raises:
        SystemicFault: The fault is not one item's.
        Interrupted: A stop was requested.
    """
    return _Stream(open_chunk, attempt, reading).run(chunks, pool_of(attempt, lanes))


@dataclass
class _Missing:
    """A chunk on its way, and how many of its items are missing."""

    chunk: OpenChunk
    items: int


_Item = tuple[_Missing, int]
"""A chunk, and the index of an item in it."""


class _Stream:
    """Chunks on their way; all of its methods but `_read` run in one thread."""

    def __init__(
        self,
        open_chunk: Callable[[int], OpenChunk | Counts],
        attempt: Attempt,
        reading: Reading,
    ):
        self._open_chunk, self._attempt, self._reading = open_chunk, attempt, reading
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._committing: Future[Counts] | None = None
        self._committed: list[Counts] = []

    def run(self, chunks: Iterable[int], pool: Answering) -> Iterator[Counts]:
        together = read_ahead(
            self._items(chunks),
            self._read,
            threads=self._reading.threads,
            depth=self._reading.depth(pool.settings.count),
        )
        asked = (item for items in together for item in items)
        with self._writer:
            for item, answer in pool.answer(asked):
                self._attempt.check_stop()
                self._take(*item, answer)
                yield from self._pop_committed()
            self._wait_for_commit()
            yield from self._pop_committed()

    def _items(self, chunks: Iterable[int]) -> Iterator[list[_Item]]:
        for number in chunks:
            self._attempt.check_stop()
            chunk = self._open_chunk(number)
            if isinstance(chunk, Counts):
                self._attempt.tally.add(chunk)
                self._committed.append(chunk)
                continue
            if chunk.size == 0:
                self._commit(chunk)
            missing = _Missing(chunk, chunk.size)
            for first in range(0, chunk.size, self._reading.together):
                last = min(first + self._reading.together, chunk.size)
                yield [(missing, index) for index in range(first, last)]

    def _read(self, items: list[_Item]) -> list[tuple[_Item, Request | Answer]]:
        return [(item, item[0].chunk.request(item[1])) for item in items]

    def _take(self, missing: _Missing, index: int, answer: Answer) -> None:
        is_ok = missing.chunk.take(index, answer)
        self._attempt.tally.add(Counts(ok=is_ok, failed=not is_ok, computed=1))
        missing.items -= 1
        if missing.items == 0:
            self._commit(missing.chunk)

    def _commit(self, chunk: OpenChunk) -> None:
        """Commits beside this thread, or the lanes would starve meanwhile.

        One at a time, so that no more than one chunk waits in memory.
        """
        self._wait_for_commit()
        self._committing = self._writer.submit(chunk.commit)

    def _wait_for_commit(self) -> None:
        if self._committing is not None:
            self._committed.append(self._committing.result())
            self._committing = None

    def _pop_committed(self) -> Iterator[Counts]:
        while self._committed:
            yield self._committed.pop(0)
