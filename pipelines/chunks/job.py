"""A job as the graph sees it: a number of chunks, a worker, a last step."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.parts import Parts


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
class Steps:
    """Steps between the last chunk and the finish, by any worker and in any order.

    Attributes:
        count: How many.
        run: Does one, by its number; safe to repeat, also beside a running attempt.
    """

    count: int
    run: Callable[[int], object]


@dataclass(frozen=True)
class ChunkJob:
    """A job as the graph sees it.

    Attributes:
        worker: Does the work of a run of chunks.
        chunks: Number of chunks.
        finish: Called with the total after the last chunk; safe to repeat.
        planned: Number of items of all chunks.
        parts: The committed chunks, which tell anybody how far the job is.
        plan: URI of a file that is there before the job starts: a worker that does not
            see it does not see the output.
        inputs: URIs of what a worker reads besides: folders of photos, models.
        done: URI of a file that is there when the job has published its result and
            removed its plan; None: the plan stays.
        steps: What many workers do before the finish; None: nothing.
    """

    worker: ChunkWorker
    chunks: int
    finish: Callable[[Counts, Attempt], None]
    planned: int = 0
    parts: Parts | None = None
    plan: str | None = None
    inputs: tuple[str, ...] = ()
    done: str | None = None
    steps: Steps | None = None

    def followed_by(self, step: Callable[[], object]) -> "ChunkJob":
        """Returns the job with a step after its finish, which travels with it.

        Args:
            step: Makes what is not the job's own, such as its page; safe to repeat.
        """
        return replace(self, finish=_Followed(self.finish, step))


@dataclass(frozen=True)
class _Followed:
    """A finish, then a step."""

    finish: Callable[[Counts, Attempt], None]
    step: Callable[[], object]

    def __call__(self, counts: Counts, attempt: Attempt) -> None:
        self.finish(counts, attempt)
        self.step()
