"""Which nights a call asks for, and the days whose photos each takes."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.faults import UsageError
from pipelines.nightly import dated, dates
from pipelines.nightly.job import DAY, Job


@dataclass(frozen=True)
class Span:
    """A night to score.

    Attributes:
        run_date: The night.
        days: The days whose photos it takes, where the input names a date.
        is_backfill: Whether it is one of a backfill: its size is not judged.
    """

    run_date: datetime.date
    days: Sequence[datetime.date]
    is_backfill: bool = False

    @property
    def name(self) -> str:
        """The night as YYYY-MM-DD."""
        return self.run_date.isoformat()


def tonight(job: Job, run_date: str) -> list[Span]:
    """Returns the night of an ordinary call: its day, and the days before it."""
    timezone = job.score_config(DAY).timezone
    day = dates.resolve(run_date, timezone)
    return [Span(day, dates.back(day, job.look_back))]


def backfill(job: Job, *, first: str, last: str, together: bool) -> list[Span]:
    """Returns the nights of a backfill, the oldest first.

    Args:
        job: The job.
        first: First day.
        last: Last day.
        together: Whether it is one night, of the last day.

    Raises:
        UsageError: They do not fit the job.
    """
    begin, end = dates.parse(first, "--from"), dates.parse(last, "--to")
    if begin > end:
        raise UsageError(f"--from: got {first}, expected no day after --to {last}")
    days = list(dates.between(begin, end))
    if together:
        return [Span(end, days, is_backfill=True)]
    if not any(map(dated.has_date, job.input)):
        raise UsageError(
            f"--backfill: got {job.input[0]}, expected an input with {{date}}: the "
            "first night would take all of its photos; pass --together"
        )
    return [
        Span(day, dates.back(day, job.look_back, first=begin), is_backfill=True)
        for day in days
    ]
