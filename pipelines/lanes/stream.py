"""Chunks through lanes without a stop: opened, read ahead, answered, committed.

A chunk is opened when reading comes to it, so any number of them holds the items of
few, and its commit runs beside the lanes. What an item is and what a chunk becomes is
the job's business, see `OpenChunk`.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

from pipelines.chunks import progress
from pipelines.chunks.counts import Counts
from pipelines.chunks.stop import check_stop
from pipelines.lanes import read_ahead
from pipelines.lanes.pool import shared_pool
from pipelines.lanes.request import Request
from pipelines.lanes.settings import LaneSettings

Key = tuple[int, int]
"""Number of a chunk and index of an item in it."""

_NO_ITEM: Final = -1


class OpenChunk(Protocol):
    """A chunk whose items are not all in."""

    @property
    def size(self) -> int:
        """Its number of items."""

    def request(self, key: Key) -> Request:
        """Returns an item as a lane is asked for it; called from a reading thread."""

    def take(self, index: int, done: Request) -> bool:
        """Takes what came of one item; tells whether it is ok."""

    def commit(self) -> Counts:
        """Makes the chunk visible, with all its items taken."""


@dataclass(frozen=True)
class Reading:
    """How items are read ahead of the lanes.

    Attributes:
        threads: How many read at once.
        together: Items a hand-over; each costs as much as reading something small.
    """

    threads: int
    together: int = 1

    def depth(self, lanes: int) -> int:
        """Hand-overs held at most: one a thread, and two items a lane."""
        return self.threads + -(-2 * lanes // self.together)


def process(
    chunks: Iterable[int],
    open_chunk: Callable[[int], OpenChunk | Counts],
    *,
    lanes: LaneSettings,
    reading: Reading,
) -> Iterator[Counts]:
    """Makes sure that each chunk is committed; yields the counts of each.

    Args:
        chunks: Taken as reading comes to them.
        open_chunk: Opens one, or tells the counts of one that is committed already.
        lanes: The pool that answers.
        reading: How to read ahead.

    Raises:
        SystemicFault: The fault is not one item's.
        Interrupted: A stop was asked for.
    """
    opened: dict[int, OpenChunk] = {}
    missing: dict[int, int] = {}
    found: dict[int, Counts] = {}

    def keys() -> Iterator[list[Key]]:
        for chunk in chunks:
            one = open_chunk(chunk)
            if isinstance(one, Counts):
                found[chunk], size = one, 0
            else:
                opened[chunk], size = one, one.size
            missing[chunk] = size
            if not size:
                yield [(chunk, _NO_ITEM)]
            for first in range(0, size, reading.together):
                last = min(first + reading.together, size)
                yield [(chunk, index) for index in range(first, last)]

    def read(together: list[Key]) -> list[Request]:
        return [
            # Answered already: no lane is asked.
            Request(key, {}, [], reply={})
            if key[1] == _NO_ITEM
            else opened[key[0]].request(key)
            for key in together
        ]

    depth = reading.depth(lanes.lanes)
    ahead = read_ahead.read_ahead(keys(), read, threads=reading.threads, depth=depth)
    requests = (request for together in ahead for request in together)
    # Chunks are committed beside this thread, or the lanes would starve meanwhile; one
    # at a time, so that no more than one waits in memory.
    with ThreadPoolExecutor(1, thread_name_prefix="commit") as writer:
        committing: Future[Counts] | None = None
        for done in shared_pool(lanes).answer(requests):
            check_stop()
            chunk, index = done.key
            if index != _NO_ITEM:
                is_ok = opened[chunk].take(index, done)
                progress.note(ok=is_ok, failed=not is_ok, computed=1)
                missing[chunk] -= 1
            if missing[chunk]:
                continue
            del missing[chunk]
            if chunk in found:
                counts = found.pop(chunk)
                progress.note(ok=counts.ok, failed=counts.failed)
                yield counts
                continue
            if committing is not None:
                yield committing.result()
            committing = writer.submit(opened.pop(chunk).commit)
        if committing is not None:
            yield committing.result()
