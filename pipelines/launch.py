"""Which runner runs a job, and its rules: the only place that knows runners.

Local means Beam's `FnApiRunner`. The plain `DirectRunner` of this Beam version first
tries to download another engine, so that word is taken to mean `FnApiRunner`.
"""

import difflib
import logging
import re
import signal
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    PipelineOptions,
    _BeamArgumentParser,
)

from pipelines import chunk_job, lanes
from pipelines.faults import Interrupted, JobFault, SystemicFault, UsageError

_LOCAL_WORDS = ("FnApiRunner", "DirectRunner", "fnapirunner", "directrunner")
_UNREACHED = (
    "expected FnApiRunner (local); this version of the project scores on one machine"
)


class _Parser(_BeamArgumentParser):
    """Beam's flags; what is wrong with one is a line, not a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; it is a flag of Beam, see its documentation")


def _beam_parser() -> _Parser:
    parser = _Parser(allow_abbrev=False, add_help=False)
    for options in PipelineOptions.__subclasses__():
        if options.__module__.startswith("apache_beam."):
            options._add_argparse_args(parser)
    return parser


def check_flags(arguments: Sequence[str], *, ours: Sequence[str]) -> None:
    """Refuses what neither the command nor Beam knows.

    Raises:
        UsageError: names the flag and the nearest one, or the stray word.
    """
    if not arguments:
        return
    parser = _beam_parser()
    _, left = parser.parse_known_args(list(arguments))
    if not left:
        return
    flag = left[0].partition("=")[0]
    if flag.startswith("-"):
        beams = [name for name in parser._option_string_actions if name[:2] == "--"]
        raise UsageError(unknown_flag(flag, [*ours, *beams]))
    raise UsageError(
        f"got {left[0]} after the value of another flag, expected one value a flag; "
        "quote patterns and names with spaces"
    )


def unknown_flag(flag: str, known: Sequence[str]) -> str:
    """Returns the sentence about a flag that nobody knows."""
    nearest = difflib.get_close_matches(flag.replace("-", "_"), known, n=1)
    nearest = nearest or difflib.get_close_matches(flag, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else "see --help"
    return f"{flag}: got an unknown flag, expected one of this command's; {hint}"


def local_options(arguments: Sequence[str]) -> PipelineOptions:
    """Returns Beam's options for a local run.

    Raises:
        UsageError: the runner is not a local one.
    """
    options = PipelineOptions(list(arguments))
    runner = options.get_all_options().get("runner") or "FnApiRunner"
    if runner not in _LOCAL_WORDS:
        raise UsageError(f"--runner: got {runner}, {_UNREACHED}")
    return PipelineOptions([*arguments, "--runner=FnApiRunner"])


def run(job: chunk_job.ChunkJob, arguments: Sequence[str] = ()) -> None:
    """Runs a job to its end.

    Raises:
        SystemicFault: a worker met a fault that is not one item's.
        Interrupted: the person pressed Ctrl-C.
        UsageError: the runner is not one that this version knows.
    """
    chunk_job.forget_stop()
    logging.getLogger("apache_beam.runners.common").addFilter(_is_unexpected)
    pipeline = beam.Pipeline(options=local_options(arguments))
    chunk_job.build(pipeline, job)
    previous = signal.signal(signal.SIGINT, _on_interrupt)
    try:
        pipeline.run().wait_until_finish()
    except (RuntimeError, JobFault) as error:
        chunk_job.check_stop()
        raise _cause(error) from error
    finally:
        signal.signal(signal.SIGINT, previous)
        lanes.close_all()


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Keeps Beam's traceback off a fault that the command tells in one line."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, JobFault)


def _on_interrupt(_signal: int, _frame: FrameType | None) -> None:
    chunk_job.request_stop()


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
