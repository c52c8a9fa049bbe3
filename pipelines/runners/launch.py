"""Which runner runs a job, and its rules: the only place that knows runners.

Local means Beam's `FnApiRunner`. The plain `DirectRunner` of this Beam version first
tries to download another engine, so that word is taken to mean `FnApiRunner`.
"""

import logging
import re
import signal
from collections.abc import Sequence
from typing import Final

import apache_beam as beam
from apache_beam.utils.shared import Shared

from pipelines.chunks.attempt import Attempt
from pipelines.chunks.job import ChunkJob
from pipelines.faults import JobFault
from pipelines.runners import graph
from pipelines.runners.flags import local_options

_FAULTS: Final = {fault.__name__: fault for fault in JobFault.__subclasses__()}


def run(job: ChunkJob, arguments: Sequence[str], attempt: Attempt) -> None:
    """Runs a job to its end.

    Args:
        job: What to do.
        arguments: Beam's flags.
        attempt: What the workers of this process share; the caller closes it.

    Raises:
        SystemicFault: A worker met a fault that is not one item's.
        Interrupted: The person pressed Ctrl-C.
        UsageError: The runner is not one that this version knows.
    """
    logging.getLogger("apache_beam.runners.common").addFilter(_is_unexpected)
    pipeline = beam.Pipeline(options=local_options(arguments))
    handle = Shared()
    handle.acquire(lambda: attempt)  # the first to acquire it decides what it holds
    graph.build(pipeline, job, handle)
    previous = signal.signal(signal.SIGINT, lambda *_: attempt.request_stop())
    try:
        pipeline.run().wait_until_finish()
    except (RuntimeError, JobFault) as error:
        attempt.check_stop()
        raise _cause(error) from error
    finally:
        signal.signal(signal.SIGINT, previous)


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Keeps Beam's traceback off a fault that the command reports in one line."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, JobFault)


def _cause(error: BaseException) -> Exception:
    """Returns the fault that a worker raised, or the error itself if there is none."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, JobFault):
            return _without_step(type(seen), str(seen))
        seen = seen.__cause__ or seen.__context__
    # With several workers Beam raises a RuntimeError of its own, and the worker's
    # exception is only the end of the traceback in its text.
    found = re.findall(rf"\b({'|'.join(_FAULTS)}): (.*)", str(error))
    if not found:
        return error  # type: ignore[return-value]
    name, message = found[-1]
    return _without_step(_FAULTS[name], message)


def _without_step(fault: type[JobFault], message: str) -> JobFault:
    """Returns a fault without the step's name that Beam appends to its message."""
    return fault(re.sub(r" \[while running .*\]$", "", message.split("\n")[0]))
