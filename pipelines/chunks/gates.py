"""Whether a result may be published: thresholds on counts, and their sentences."""

import math
import statistics
from collections.abc import Sequence
from typing import Final, Literal

from pipelines.chunks.frozen import Frozen

GateName = Literal[
    "error_rate",
    "min_input",
    "max_input",
    "aesthetics_psi",
    "aesthetics_ks",
    "technical_psi",
    "technical_ks",
    "class_share",
    "blank_rate",
    "blank_shift",
    "free_disk",
    "cost",
]
"""All gates, by the names that alarms and the runbook have."""

SMALL_NIGHT: Final = 200
"""Below this many items one bad photo in twenty is no sign of a fault."""

USUAL_NIGHTS: Final = 3
"""Nights that must have been before anything is unusual."""


def check(
    *,
    planned: int,
    failed: int,
    max_error_rate: float,
    unread: int = 0,
    lost: int = 0,
) -> str | None:
    """Returns why a night must not be published; None where it may.

    Args:
        planned: Items of the night.
        failed: Items without a result.
        max_error_rate: Largest share of failed items, 0 to 1.
        unread: Places whose items nobody could list; each counts as a failed one.
        lost: Items that are known to be lost; however small the night, they count.
    """
    if planned == 0:
        return None
    if lost > max_error_rate * (planned + lost):
        return (
            f"about {lost} of {planned + lost} are lost "
            f"({lost / (planned + lost):.1%}), expected at most {max_error_rate:.1%}"
        )
    if unread or lost:
        planned, failed = planned + unread + lost, failed + unread + lost
    if planned < SMALL_NIGHT:
        if failed == planned and max_error_rate < 1:
            return f"none of {planned} succeeded"
        return None
    if failed > max_error_rate * planned:
        return (
            f"{failed} of {planned} failed ({failed / planned:.1%}), expected at most "
            f"{max_error_rate:.1%}"
        )
    return None


class Gate(Frozen):
    """What a gate found.

    Attributes:
        name: Of the gate.
        closed: Whether it keeps the result from being published.
        got: What was measured; None where that is not a number.
        limit: The largest value that passes, or the smallest.
        why: One sentence, whether closed or not.
    """

    name: GateName
    closed: bool
    got: float | None = None
    limit: float | None = None
    why: str


def at_most(
    name: GateName, got: float, limit: float, *, what: str, unit: str = ""
) -> Gate:
    """Returns a gate that is closed by a value above its limit.

    Args:
        name: Of the gate.
        got: What was measured.
        limit: The largest value that passes.
        what: What the value is, for the sentence.
        unit: Of the value.
    """
    why = f"{what}: got {number(got)}{unit}, expected at most {number(limit)}{unit}"
    return Gate(name=name, closed=got > limit, got=got, limit=limit, why=why)


def at_least(
    name: GateName, got: float, limit: float, *, what: str, unit: str = ""
) -> Gate:
    """Returns a gate that is closed by a value below its limit, see `at_most`."""
    why = f"{what}: got {number(got)}{unit}, expected at least {number(limit)}{unit}"
    return Gate(name=name, closed=got < limit, got=got, limit=limit, why=why)


def number(value: float) -> str:
    """Returns a value as people read it: counts whole, others with three digits."""
    return f"{value:.0f}" if value == int(value) or value >= 1000 else f"{value:.3g}"


def input_size(
    planned: int,
    usual: Sequence[int],
    *,
    smallest: float | None,
    largest: float | None,
) -> list[Gate]:
    """Returns whether a night has about as many items as nights usually have.

    An empty night passes: nothing new is no fault of the input.

    Args:
        planned: Items of the night.
        usual: Items of committed nights, empty ones left out.
        smallest: Least share of their median that passes; None: any.
        largest: Most multiple of it that passes; None: any.
    """
    if planned == 0 or len(usual) < USUAL_NIGHTS:
        return []
    median = statistics.median(usual)
    found = []
    if smallest is not None and median >= SMALL_NIGHT:
        limit = math.floor(smallest * median)
        what = f"new photos ({smallest:g} of the usual {median:.0f})"
        found.append(at_least("min_input", planned, limit, what=what))
    if largest is not None:
        limit = max(math.ceil(largest * median), SMALL_NIGHT)
        what = f"new photos ({largest:g} times the usual {median:.0f})"
        found.append(at_most("max_input", planned, limit, what=what))
    return found
