"""The nights of an output, as commands name them: all, one by its date, the latest."""

from typing import Final

from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import sequence
from pipelines.score.plan import Plan, PlannedNight

_NAMED: Final = 5
"""Nights that a message names, the latest."""


def plans_of(output: str) -> list[Plan]:
    """Returns the plans of an output that are not discarded, in their sequence.

    Raises:
        UsageError: There is none.
    """
    plans = sequence.read_all(files.to_uri(output))
    if not plans:
        raise UsageError(
            f"{output}: got no night, expected an output of fcn score; check the path"
        )
    return plans


def nights_of(output: str, run_date: str | None = None) -> list[PlannedNight]:
    """Returns the nights of an output in their sequence, or the one that is named.

    Raises:
        UsageError: There is none, or none of this name.
    """
    plans = plans_of(output)
    if run_date is not None:
        plan = sequence.find(plans, run_date)
        if plan is None:
            known = ", ".join(plan.run_date for plan in plans[-_NAMED:])
            raise UsageError(
                f"--run_date: got {run_date}, expected a night of this output: {known}"
            )
        plans = [plan]
    return [PlannedNight(files.to_uri(output), plan) for plan in plans]


def find_night(output: str, *, run_date: str | None) -> PlannedNight:
    """Returns a night of an output, the latest unless one is named.

    Raises:
        UsageError: There is none.
    """
    return nights_of(output, run_date)[-1]


def find_committed(output: str, *, run_date: str | None) -> PlannedNight:
    """Returns a committed night, the latest unless one is named.

    Raises:
        UsageError: There is none.
    """
    for night in reversed(nights_of(output, run_date)):
        if night.commit() is not None:
            return night
    raise UsageError(
        f"{output}: got no committed night, expected one with a table; finish it with "
        "fcn score"
    )
