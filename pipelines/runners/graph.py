"""The one Beam graph: runs of chunks -> workers -> counts -> steps -> finish.

Only chunk numbers and counts move through Beam. What a chunk is, how it becomes
visible and how it is recognised on the next attempt is the worker's business, see
`ChunkWorker`. So a retry, a second launch or another runner cannot change a result.

All threads of a process share one attempt: the launcher's own in its process, else one
that the process makes, see `workers`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import NAMESPACE, Counts
from pipelines.chunks.job import ChunkJob, ChunkWorker, Steps
from pipelines.chunks.stream import ChunkStream
from pipelines.faults import SystemicFault, of_limits, of_system
from pipelines.runners.workers import Access

CHUNKS_PER_RUN = 8
_RUNS = 64


class _Process(beam.DoFn):
    """Hands runs of chunks to the worker and counts what it yields."""

    def __init__(self, worker: ChunkWorker, access: Access):
        self._worker, self._access = worker, access
        self._stream: ChunkStream | None = None
        self._has_work: bool | None = None

    def setup(self) -> None:
        self._attempt: Attempt = self._access.attempt()

    def start_bundle(self) -> None:
        self.teardown()  # a bundle that failed has no end
        process = partial(self._worker.process, attempt=self._attempt)
        self._stream = ChunkStream(process)

    def process(self, run: tuple[int, int]) -> Iterable[Counts]:
        assert self._stream is not None
        if self._has_work is None:
            self._has_work = self._access.has_work()
        if self._has_work:
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
    with _faults():
        for counts in stream:
            for name, value in counts.counters().items():
                Metrics.counter(NAMESPACE, name).inc(value)
            yield counts


@contextmanager
def _faults() -> Iterator[None]:
    """Makes errors of the system faults in one line."""
    try:
        yield
    except (OSError, MemoryError, RuntimeError) as error:
        if (fault := _fault_of(error)) is None:
            raise
        raise fault from error


def _fault_of(error: OSError | MemoryError | RuntimeError) -> SystemicFault | None:
    """Returns the fault in one line; None for an error of the program."""
    if isinstance(error, OSError):
        # What a worker lets through is about our own files, never about a photo.
        return of_system(error)
    return of_limits(error)


class _Finish(beam.DoFn):
    """Hands the total to the job's last step."""

    def __init__(self, finish: Callable[[Counts, Attempt], None], access: Access):
        self._finish, self._access = finish, access

    def setup(self) -> None:
        self._attempt: Attempt = self._access.attempt()

    def process(self, total: Counts, steps: Sequence[int] = ()) -> None:
        """Ends the job.

        Args:
            total: Of all chunks.
            steps: Those that are done: Beam waits for them.
        """
        with _faults():
            self._finish(total, self._attempt)


class _Step(beam.DoFn):
    """Does one of the job's steps before its finish."""

    def __init__(self, run: Callable[[int], object]):
        self._run = run

    def process(self, number: int) -> Iterable[int]:
        with _faults():
            self._run(number)
        yield number


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


def build(root: beam.Pipeline, job: ChunkJob, access: Access) -> None:
    """Adds the job's graph to a pipeline.

    Args:
        root: The pipeline.
        job: What it does.
        access: A worker's way to its attempt.
    """
    # Runs of a small job are short, so that each of many workers gets a share.
    length = min(max(job.chunks // _RUNS, 1), CHUNKS_PER_RUN)
    runs = [
        (first, min(first + length, job.chunks))
        for first in range(0, job.chunks, length)
    ]
    total = (
        root
        | "Runs of chunks" >> beam.Create(runs, reshuffle=False)
        | "Spread" >> beam.Reshuffle()
        | "Process" >> beam.ParDo(_Process(job.worker, access))
        | "Count" >> beam.CombineGlobally(_SumCounts())
    )
    after = [] if job.steps is None else [beam.pvalue.AsList(_steps(total, job.steps))]
    total | "Finish" >> beam.ParDo(_Finish(job.finish, access), *after)


def _steps(total: beam.PCollection[Counts], steps: Steps) -> beam.PCollection[int]:
    """Returns the numbers of the job's steps, each when it is done.

    They begin when all chunks are counted.
    """
    return (
        total
        | "Steps" >> beam.FlatMap(partial(_numbers, count=steps.count))
        | "Spread steps" >> beam.Reshuffle()
        | "Step" >> beam.ParDo(_Step(steps.run))
    )


def _numbers(total: Counts, *, count: int) -> Iterable[int]:
    del total
    return range(count)
