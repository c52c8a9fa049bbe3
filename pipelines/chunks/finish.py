"""How every job ends: counts add up, a gate, then all is published or nothing is.

Each step can be repeated, so a kill between two of them costs nothing: the same
command goes on.
"""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.frozen import Frozen
from pipelines.faults import SystemicFault


class Added(Protocol):
    """What the committed parts of a job add up to."""

    @property
    def ok(self) -> int:
        """Items with a result."""

    @property
    def failed(self) -> int:
        """Items with a reason instead."""


Total = TypeVar("Total", bound=Added)


class Refusal(Frozen):
    """Why a finished job is not published, and its failures by reason.

    Attributes:
        why: In a few words.
        failures: Reason -> items.
        cure: What to do, where that is not what helps against failures.
        reasons: `why` as one sentence for each gate, where there are gates.
    """

    why: str
    failures: dict[str, int]
    cure: str | None = None
    reasons: tuple[str, ...] = ()


class Ending(Protocol[Total]):
    """What is a job's own about its end. Travels to the worker that ends the job."""

    def is_published(self) -> bool:
        """Whether nothing is left to do: a launch beside this one was faster."""
        return False

    def add_up(self) -> Total:
        """Returns what the committed parts add up to.

        Raises:
            SystemicFault: The parts are not what was planned.
        """

    def refuse(self, total: Total) -> Refusal | None:
        """Returns why the total must not be published; None where it may."""
        return None

    def publish(self, total: Total, counts: Counts, attempt: Attempt) -> None:
        """Makes the result visible; again and again without harm."""

    def record_refusal(self, total: Total, refusal: Refusal, counts: Counts) -> None:
        """Leaves what helps a person to decide about a refused job."""
        return


def finish(
    ending: Ending[Total],
    counts: Counts,
    attempt: Attempt,
    *,
    planned: int,
    refusal_uri: str,
) -> None:
    """Ends a job: counts -> parts -> gate -> publish, or FAILED.

    Args:
        ending: What is the job's own.
        counts: Outcomes of all items.
        attempt: What this process shares.
        planned: Number of items of the plan.
        refusal_uri: Where to write why the job is not published.

    Raises:
        SystemicFault: The counts do not add up; nothing is published.
    """
    if ending.is_published():
        return
    if counts.ok + counts.failed != planned:
        raise SystemicFault(
            f"got {counts.ok} ok + {counts.failed} failed, expected {planned} as "
            "planned; nothing is published"
        )
    total = ending.add_up()
    if (total.ok, total.failed) != (counts.ok, counts.failed):
        raise SystemicFault(
            f"got {total.ok} ok + {total.failed} failed in the parts, expected "
            f"{counts.ok} + {counts.failed} as counted; nothing is published"
        )
    refusal = ending.refuse(total)
    if refusal is None:
        ending.publish(total, counts, attempt)
        files.remove(refusal_uri)
    else:
        files.write_atomically(refusal_uri, refusal.encode())
        ending.record_refusal(total, refusal, counts)


def read_refusal(uri: str) -> Refusal | None:
    """Returns why a job was not published; None where it was not refused.

    Raises:
        SystemicFault: The file is damaged.
    """
    try:
        return Refusal.model_validate_json(files.read_bytes(uri))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SystemicFault(
            f"{uri}: got a damaged file, expected why the job was refused; remove it, "
            "and run the same command again"
        ) from error


def text_of(failures: Mapping[str, int]) -> str:
    """Returns the reasons of failures and their numbers in one line."""
    return ", ".join(f"{reason} {number}" for reason, number in failures.items())


def reasons(failures: Mapping[str, int]) -> str:
    """Returns ` (reason number, ...)`, the most frequent first; "" for none."""
    ordered = sorted(failures.items(), key=lambda item: (-item[1], item[0]))
    return f" ({text_of(dict(ordered))})" if ordered else ""
