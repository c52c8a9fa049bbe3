"""A job as the graph sees it: a number of chunks, a worker, a last step."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts


class ChunkWorker(Protocol):
    """What a job does with its chunks. Travels to the workers: settings only."""

    def process(self, chunks: Iterable[int], attempt: Attempt) -> Iterator[Counts]:
        """Makes sure that each chunk is committed; yields the counts of each.

        A retry of the same chunks must be safe at any time, also beside a running
        attempt.

        Args:
            chunks: They come as the worker asks for them, see `chunks.stream`. One
                that is committed already is counted from what is there.
            attempt: What this process shares: its stop is obeyed, its tally added to.

        Raises:
            SystemicFault: The fault is not one item's; nothing half-done is visible.
            Interrupted: A stop was requested.
        """


@dataclass(frozen=True)
class ChunkJob:
    """A job as the graph sees it.

    Attributes:
        worker: Does the work of a run of chunks.
        chunks: Number of chunks.
        finish: Called with the total after the last chunk; safe to repeat.
    """

    worker: ChunkWorker
    chunks: int
    finish: Callable[[Counts, Attempt], None]
