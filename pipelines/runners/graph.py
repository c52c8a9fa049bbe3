"""The one Beam graph: runs of chunks -> workers -> counts -> finish.

Only chunk numbers and counts move through Beam. What a chunk is, how it becomes
visible and how it is recognised on the next attempt is the worker's business, see
`ChunkWorker`. So a retry, a second launch or another runner cannot change a result.
"""

from collections.abc import Callable, Iterable, Iterator

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob, ChunkWorker
from pipelines.chunks.stream import ChunkStream
from pipelines.faults import of_system

CHUNKS_PER_RUN = 8


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
