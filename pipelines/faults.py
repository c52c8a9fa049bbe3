"""The ways in which a job fails, each with its exit code.

A bad photo is not among them: it becomes a row with a reason. These faults must be
fixed, by a person or on the machine, before the job can continue.
"""

from typing import ClassVar


class JobFault(Exception):
    """Why a job stops, in one line: what, got, expected; cure."""

    exit_code: ClassVar[int] = 1


class SystemicFault(JobFault):
    """A fault that is not one photo's: a full disk, a model that does not load.

    The open chunk commits nothing; the same command goes on where it stopped.
    """


def of_system(error: OSError) -> SystemicFault:
    """Returns the fault for a system error about one of our own files."""
    where = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or str(error) or type(error).__name__
    return SystemicFault(
        f"{where}got {reason.lower()}, expected to read and write our own files; mend "
        "it and run the same command again"
    )


def of_limits(error: MemoryError | RuntimeError) -> SystemicFault | None:
    """Returns the fault where the system refused memory or a thread, else None."""
    text = str(error).partition(" [while running")[0]  # Beam names its step
    if not isinstance(error, MemoryError) and text != "can't start new thread":
        return None
    return SystemicFault(
        f"got {text or 'no memory'}, expected room for the threads and the memory of "
        "the command; raise the limits (ulimit -a) or choose fewer --lanes, and run "
        "the same command again"
    )


class UsageError(JobFault):
    """The command cannot mean what it says."""

    exit_code: ClassVar[int] = 2


class AboveThreshold(JobFault):
    """Every item was worked on, but too many failed to publish the result."""

    exit_code: ClassVar[int] = 3


class Interrupted(JobFault):
    """The user pressed Ctrl-C; what is committed stays."""

    exit_code: ClassVar[int] = 130
