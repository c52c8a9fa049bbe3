"""The one Beam graph: runs of chunks -> workers -> counts -> finish.

Only chunk numbers and counts move through Beam. What a chunk is, how it becomes
visible and how it is recognised on the next attempt is the worker's business, see
`ChunkWorker`. So a retry, a second launch or another runner cannot change a result.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from pipelines.chunk_stream import ChunkStream
from pipelines.counts import Counts
from pipelines.faults import Interrupted, of_system

CHUNKS_PER_RUN = 8


class ChunkWorker(Protocol):
    """What a job does with its chunks. Travels to the workers: settings only."""

    def process(self, chunks: Iterable[int]) -> Iterator[Counts]:
        """Makes sure that each chunk is committed; yields the counts of each.

        Chunks come as the worker asks for them, see `chunk_stream`. One that is
        committed already is counted from what is there. A retry of the same chunks
        must be safe at any time, also beside a running attempt.

        Raises:
            SystemicFault: the fault is not one item's; nothing half-done is visible.
        """


@dataclass(frozen=True)
class ChunkJob:
    """A job as the graph sees it.

    Attributes:
        worker: Does the work of a run of chunks.
        chunks: Number of chunks.
        finish: Called once with the total, after the last chunk.
    """

    worker: ChunkWorker
    chunks: int
    finish: Callable[[Counts], None]


_stop = threading.Event()


def request_stop() -> None:
    """Asks the workers of this process to stop after the item in hand."""
    _stop.set()


def forget_stop() -> None:
    """Lets the next job of this process run."""
    _stop.clear()


def check_stop() -> None:
    """Raises Interrupted where a stop was asked for; workers call it per item."""
    if _stop.is_set():
        raise Interrupted("interrupted; run the same command again to go on")


class _Process(beam.DoFn):
    """Hands runs of chunks to the worker and counts what it yields."""

    def __init__(self, worker: ChunkWorker):
        self._worker = worker
        self._stream: ChunkStream | None = None

    def start_bundle(self) -> None:
        self.teardown()  # a bundle that failed has no end
        self._stream = ChunkStream(self._worker.process)

    def process(self, run: tuple[int, int]) -> Iterable[Counts]:
        assert self._stream is not None
        yield from _counted(self._stream.feed(range(*run)))

    def finish_bundle(self) -> Iterable[WindowedValue]:
        assert self._stream is not None
        for counts in _counted(self._stream.end()):
            yield GlobalWindows.windowed_value(counts)
        self._stream = None

    def teardown(self) -> None:
        if self._stream is not None:
            self._stream.abandon()
            self._stream = None


def _counted(stream: Iterator[Counts]) -> Iterator[Counts]:
    try:
        for counts in stream:
            Metrics.counter("fcn", "chunks").inc()
            Metrics.counter("fcn", "ok").inc(counts.ok)
            Metrics.counter("fcn", "failed").inc(counts.failed)
            Metrics.counter("fcn", "computed").inc(counts.computed)
            yield counts
    except OSError as error:
        # What a worker lets through is about our own files, never about a photo.
        raise of_system(error) from error


class _Finish(beam.DoFn):
    """Hands the total to the job's last step."""

    def __init__(self, finish: Callable[[Counts], None]):
        self._finish = finish

    def process(self, total: Counts) -> None:
        try:
            self._finish(total)
        except OSError as error:
            raise of_system(error) from error


class _SumCounts(beam.CombineFn):
    """`Counts` added up."""

    def create_accumulator(self) -> Counts:
        return Counts()

    def add_input(self, total: Counts, counts: Counts) -> Counts:
        return total + counts

    def merge_accumulators(self, totals: Iterable[Counts]) -> Counts:
        return sum(totals, Counts())

    def extract_output(self, total: Counts) -> Counts:
        return total


def build(root: beam.Pipeline, job: ChunkJob) -> None:
    """Adds the job's graph to a pipeline."""
    runs = [
        (first, min(first + CHUNKS_PER_RUN, job.chunks))
        for first in range(0, job.chunks, CHUNKS_PER_RUN)
    ]
    (
        root
        | "Runs of chunks" >> beam.Create(runs, reshuffle=False)
        | "Spread" >> beam.Reshuffle()
        | "Process" >> beam.ParDo(_Process(job.worker))
        | "Count" >> beam.CombineGlobally(_SumCounts())
        | "Finish" >> beam.ParDo(_Finish(job.finish))
    )
