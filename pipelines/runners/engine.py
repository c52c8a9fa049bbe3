"""Where a job runs, as commands see it; light, since most commands run here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.faults import JobFault

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


@dataclass(frozen=True)
class Engine:
    """Where a job runs.

    Attributes:
        name: As `--runner` has it.
        options: Beam's options, checked; None for those of a local run without flags.
        is_remote: Whether its workers are other processes than the launcher.
        waits: Whether the launcher stays until the job has ended.
        dry_run: Whether the job is only shown, not launched.
        fault_of: Returns the fault for an error of the engine's own, None where it
            knows none; None: it has no errors of its own.
    """

    name: str
    options: "PipelineOptions | None" = None
    is_remote: bool = False
    waits: bool = True
    dry_run: bool = False
    fault_of: Callable[[Exception], JobFault | None] | None = None


LOCAL: Final = Engine("FnApiRunner")
"""This machine and this process: what a command without flags of Beam uses."""


@dataclass(frozen=True)
class Command:
    """What an engine must know of a command to say whether it fits.

    Attributes:
        output: Where its results go.
        engine: Library that runs its models; None: it runs none.
        precision: Their arithmetic; None: it runs none.
        instruction_set: What computes it; None: it runs none.
    """

    output: str
    engine: str | None = None
    precision: str | None = None
    instruction_set: str | None = None
