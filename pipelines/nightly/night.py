"""A planned night, run to its end: scored, judged, published, its page written.

`fcn score`, `fcn replay` and `fcn nightly` all go through here.
"""

import functools
from dataclasses import dataclass

from pipelines import files
from pipelines.chunks import progress
from pipelines.chunks.attempt import Attempt
from pipelines.pages import night as pages_night
from pipelines.runners import launch
from pipelines.runners.engine import Engine
from pipelines.score import finish, publish, worker
from pipelines.score.canaries import Check
from pipelines.score.gate_settings import Acceptance
from pipelines.score.lanes import DEFAULT_DEVICE, Device
from pipelines.score.nights import Night
from pipelines.score.plan import PlannedNight
from pipelines.score.summary import Summary, read_summary


@dataclass(frozen=True)
class Work:
    """How a night is run; nothing of it decides a row.

    Attributes:
        engine: Where.
        lanes: Scoring processes; one a core if None.
        max_error_rate: Largest share of failed photos of a published night.
        command: What the person typed.
        quiet: Show no progress.
        device: What computes, where that is not the lanes.
        check: What each process checks before it scores.
        accepted: Who publishes the night whatever its gates have against it.
    """

    engine: Engine
    lanes: int | None
    max_error_rate: float
    command: str
    quiet: bool
    device: Device = DEFAULT_DEVICE
    check: Check | None = None
    accepted: Acceptance | None = None


def run(night: Night, work: Work) -> str | None:
    """Runs what is left of a night; returns the id of a job that goes on alone.

    Raises:
        JobFault: Why it is not finished.
    """
    job = worker.job(
        night,
        lanes=work.lanes,
        max_error_rate=work.max_error_rate,
        command=work.command,
        device=work.device,
        check=work.check,
        accepted=work.accepted,
    ).followed_by(functools.partial(write_page, night.planned()))
    quiet = work.quiet or not work.engine.waits
    with Attempt() as attempt, progress.show(attempt.tally, job.planned, quiet=quiet):
        return launch.run(job, work.engine, attempt)


def summary_of(night: Night) -> Summary:
    """Returns the summary of a night that has just been run.

    Raises:
        AboveThreshold: It is not published.
    """
    with night.attempted():
        summary = read_summary(night.folder)
    finish.check_published(night, summary)
    return summary


def finished_before(night: Night) -> Summary:
    """Returns the summary of a night that has nothing left to do.

    What describes the command is this one's: nothing computed, all skipped.

    Raises:
        AboveThreshold: It is not published.
    """
    publish.sweep(night)
    if not files.size(night.folder.page):
        write_page(night.planned())
    summary = summary_of(night)
    skipped = night.skipped + night.plan.planned
    return summary.model_copy(
        update={"skipped": skipped, "waiting": night.waiting, "computed": 0}
    )


def write_page(night: PlannedNight) -> None:
    """Writes the page of a finished night; the last step of its job."""
    with night.attempted():
        pages_night.build(night.folder)
