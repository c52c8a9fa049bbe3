"""Running a job: here, or on an engine elsewhere, whose end is the same.

Whoever launched it reads the outcome from the store. What went wrong is one line, with
the class of the fault that a worker raised, whatever the engine made of it.
"""

import logging
import signal
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob
from pipelines.faults import JobFault, UsageError
from pipelines.runners import graph, local, remote
from pipelines.runners.engine import Engine
from pipelines.runners.faults import cause_of
from pipelines.runners.workers import Access


def run(job: ChunkJob, engine: Engine, attempt: Attempt) -> str | None:
    """Runs a job to its end, or hands it over.

    Args:
        job: What to do.
        engine: Where.
        attempt: What the workers of this process share; the caller closes it. Its tally
            follows the job wherever it runs.

    Returns:
        The id of a job that goes on without the launcher, else None.

    Raises:
        SystemicFault: A worker met a fault that is not one item's.
        Interrupted: The person pressed Ctrl-C.
    """
    logging.getLogger("apache_beam.runners.common").addFilter(_is_unexpected)
    options = engine.options or local.options()
    pipeline = _open_pipeline(options)
    access = Access.of(job, processes=_processes(options))
    if engine.is_remote:
        graph.build(pipeline, job, access)
        return remote.run(pipeline, job, engine, tally=attempt.tally)
    # The workers are in this process: they see what it sees.
    access = replace(access, plan=None, inputs=())
    graph.build(pipeline, job, access)
    # The first to acquire it decides what it holds.
    access.handle.acquire(lambda: attempt)
    _run_here(pipeline, attempt)
    return None


def preview(engine: Engine) -> dict[str, Any]:
    """Returns what a job on an engine would be; nothing is planned or launched.

    Args:
        engine: With `dry_run`.
    """
    from pipelines.runners import dataflow_preview

    pipeline = beam.Pipeline(options=engine.options)
    job = ChunkJob(_NoWorker(), chunks=1, finish=_no_finish)
    graph.build(pipeline, job, Access.of(job))
    return dataflow_preview.preview(pipeline.run().job)


class _NoWorker:
    """Stands for a job's worker where no plan is to be made."""

    def process(self, chunks: Iterable[int], attempt: Attempt) -> Iterator[Counts]:
        raise NotImplementedError("a dry run was launched")


def _no_finish(counts: Counts, attempt: Attempt) -> None:
    raise NotImplementedError("a dry run was launched")


def _open_pipeline(options: PipelineOptions) -> beam.Pipeline:
    """Returns an empty pipeline; Beam checks its flags together here.

    Raises:
        UsageError: They contradict each other.
    """
    try:
        return beam.Pipeline(options=options)
    except ValueError as error:
        found = " ".join(str(error).split()).removeprefix("Pipeline has validations ")
        raise UsageError(
            f"got {found}, expected flags of Beam that fit together; see its "
            "documentation"
        ) from error


def _processes(options: PipelineOptions) -> int:
    """Returns how many worker processes a host has as far as the flags say.

    Raises:
        UsageError: They say no number.
    """
    stated = options.view_as(PortableOptions).sdk_worker_parallelism
    if not str(stated).isdecimal():
        raise UsageError(
            f"--sdk_worker_parallelism: got {stated}, expected a number of processes"
        )
    return max(1, int(stated))


def _run_here(pipeline: beam.Pipeline, attempt: Attempt) -> None:
    previous = signal.signal(signal.SIGINT, lambda *_: attempt.request_stop())
    try:
        pipeline.run().wait_until_finish()
    except (RuntimeError, JobFault) as error:
        attempt.check_stop()
        raise cause_of(error) or error from error
    finally:
        signal.signal(signal.SIGINT, previous)


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Keeps Beam's traceback off a fault that the command reports in one line."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, JobFault)
