"""A job on another engine: handed over, followed on the store, cancelled by Ctrl-C."""

import logging
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Final

import apache_beam as beam
import grpc
from apache_beam.metrics import MetricsFilter

from pipelines.chunks.counts import Counts, Tally
from pipelines.chunks.following import follow
from pipelines.chunks.job import ChunkJob
from pipelines.faults import Interrupted, JobFault, SystemicFault
from pipelines.runners.engine import Engine
from pipelines.runners.faults import cause_of

_AGAIN: Final = "run the same command again to go on"
_QUOTED: Final = re.compile(r'^\s*details = "(.+)"$', re.MULTILINE)
"""What a worker's own error of gRPC says, where a job's error quotes it."""


def run(
    pipeline: beam.Pipeline, job: ChunkJob, engine: Engine, *, tally: Tally
) -> str | None:
    """Runs a pipeline on an engine whose workers are elsewhere.

    Args:
        pipeline: The job's graph.
        job: The job, to follow it.
        engine: Where it runs.
        tally: Told how far the job is.

    Returns:
        The job's id where the launcher is not to wait, else None.

    Raises:
        JobFault: A worker raised it.
        SystemicFault: The engine failed.
        Interrupted: The person pressed Ctrl-C; the engine is asked to cancel the job.
    """
    result: Any = None
    # A shell lets its background jobs ignore Ctrl-C; a cluster would go on and on.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    with _silent():
        try:
            result = pipeline.run()
            if not engine.waits:
                return job_id(result)
            _wait(result, job, tally)
        except KeyboardInterrupt as error:
            raise _cancelled(result) from error
        except Exception as error:
            raise _fault_of(error, engine, result) from error
        finally:
            signal.signal(signal.SIGINT, previous)
    return None


def _wait(result: Any, job: ChunkJob, tally: Tally) -> None:
    following = follow(job.parts, tally) if job.parts else nullcontext()
    with following:
        state = result.wait_until_finish()
    if state not in (None, "DONE"):
        raise RuntimeError(f"it ended as {state}")
    _add_unseen(result, job, tally)


def _add_unseen(result: Any, job: ChunkJob, tally: Tally) -> None:
    """Counts the items of parts that the job's end removed before they were seen."""
    seen = tally.counts
    left = job.planned - seen.ok - seen.failed
    if left > 0:
        failed = min(max(_failed_items(result) - seen.failed, 0), left)
        tally.add(Counts(ok=left - failed, failed=failed, computed=left))


def _failed_items(result: Any) -> int:
    """Returns the job's own count of failed items; 0 where it does not say."""
    with suppress(Exception):  # an engine's metrics may be away; they are for show
        found = result.metrics().query(MetricsFilter().with_name("failed"))
        return sum(counter.result or 0 for counter in found["counters"])
    return 0


def job_id(result: Any) -> str:
    """Returns the id that the engine gave a job.

    Beam has no one name for it: Dataflow's result has a method, that of a job server
    only a private attribute.
    """
    if getattr(result, "has_job", True) is False:  # of a template: it has none yet
        return "of the template"
    named = getattr(result, "job_id", None)
    return str(named() if callable(named) else getattr(result, "_job_id", "unknown"))


def _cancelled(result: Any) -> Interrupted:
    """Asks the engine to cancel a job.

    Beam's job server for Flink forgets the job then, but its cluster finishes it.
    """
    if result is None:
        return Interrupted(f"interrupted before the job ran; {_AGAIN}")
    name = job_id(result)
    try:
        result.cancel()
    except Exception as error:
        return Interrupted(
            f"interrupted, but the job {name} could not be cancelled "
            f"({one_line(error)}); it may go on alone; {_AGAIN}"
        )
    return Interrupted(f"interrupted, cancelling job {name} on its engine; {_AGAIN}")


def _fault_of(error: Exception, engine: Engine, result: Any) -> JobFault:
    """Returns the fault of a worker, of the engine, or of what it cannot name."""
    known = cause_of(error) or (engine.fault_of and engine.fault_of(error))
    if known:
        return known
    what = "could not start the job" if result is None else f"job {job_id(result)}"
    return SystemicFault(
        f"--runner={engine.name}: {what}: got {one_line(error)}, expected it to end "
        f"well; look at the engine's log, and {_AGAIN}"
    )


def one_line(error: Exception) -> str:
    """Returns an error of an engine in one line: the last of a Python traceback."""
    details = getattr(error, "details", None)  # of gRPC
    text = str(details() if callable(details) else error) or type(error).__name__
    if quoted := _QUOTED.search(text):
        text = quoted[1]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("at ", "File ", "..."))]
    last = lines[-1] if lines else type(error).__name__
    return re.sub(r" \[while running .*\]$", "", last)[:300]


@contextmanager
def _silent() -> Iterator[None]:
    """Keeps an engine's log off the terminal, where the progress is.

    What a job fails with is in the error that ends it.
    """
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    _ignore_lost_connections()
    try:
        yield
    finally:
        logging.disable(disabled)


def _ignore_lost_connections() -> None:
    """Prints no traceback where a thread of Beam's loses an engine: a line follows.

    For good: such a thread may end after its job.
    """
    before = threading.excepthook
    if before.__module__ == __name__:
        return

    def hook(raised: threading.ExceptHookArgs) -> None:
        if not isinstance(raised.exc_value, grpc.RpcError):
            before(raised)

    threading.excepthook = hook
