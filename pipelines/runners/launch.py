"""Which runner runs a job, and its rules: the only place that knows runners.

Local means Beam's `FnApiRunner`. The plain `DirectRunner` of this Beam version first
tries to download another engine, so that word is taken to mean `FnApiRunner`.
"""

import logging
import re
import signal
from collections.abc import Sequence
from types import FrameType

import apache_beam as beam

from pipelines.chunks import stop
from pipelines.chunks.job import ChunkJob
from pipelines.faults import Interrupted, JobFault, SystemicFault, UsageError
from pipelines.lanes import pool
from pipelines.runners import graph
from pipelines.runners.flags import local_options


def run(job: ChunkJob, arguments: Sequence[str] = ()) -> None:
    """Runs a job to its end.

    Raises:
        SystemicFault: a worker met a fault that is not one item's.
        Interrupted: the person pressed Ctrl-C.
        UsageError: the runner is not one that this version knows.
    """
    stop.forget_stop()
    logging.getLogger("apache_beam.runners.common").addFilter(_is_unexpected)
    pipeline = beam.Pipeline(options=local_options(arguments))
    graph.build(pipeline, job)
    previous = signal.signal(signal.SIGINT, _on_interrupt)
    try:
        pipeline.run().wait_until_finish()
    except (RuntimeError, JobFault) as error:
        stop.check_stop()
        raise _cause(error) from error
    finally:
        signal.signal(signal.SIGINT, previous)
        pool.close_all()


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Keeps Beam's traceback off a fault that the command tells in one line."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, JobFault)


def _on_interrupt(_signal: int, _frame: FrameType | None) -> None:
    stop.request_stop()


def _cause(error: BaseException) -> Exception:
    """Returns the fault that a worker raised; Beam hands it back as text or cause."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, SystemicFault | Interrupted | UsageError):
            return _plain(seen)
        seen = seen.__cause__ or seen.__context__
    found = re.findall(r"SystemicFault: (.*)", str(error))
    return SystemicFault(_without_step(found[-1])) if found else error  # type: ignore[return-value]


def _plain(fault: Exception) -> Exception:
    return type(fault)(_without_step(str(fault)))


def _without_step(message: str) -> str:
    """Cuts the step's name that Beam appends to a worker's message."""
    return re.sub(r" \[while running .*\]$", "", message.split("\n")[0])
