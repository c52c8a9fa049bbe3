"""Watching an open night from anywhere: its parts tell how far it is."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipelines import files
from pipelines.chunks.counts import Tally
from pipelines.chunks.finish import read_refusal
from pipelines.chunks.following import Follower
from pipelines.faults import SystemicFault
from pipelines.score.commit import Discard
from pipelines.score.plan import PlannedNight

_PAUSE_SECONDS: Final = 1.0
_PAGE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Sight:
    """How far a night is.

    Attributes:
        state: `open`, `committed` or `failed` (above the threshold).
        planned: Images of the plan.
        ok: Images with a result so far.
        failed: Images with a reason so far.
        chunks: Chunks of the plan.
        chunks_done: Chunks that are committed.
    """

    run_date: str
    state: str
    planned: int
    ok: int
    failed: int
    chunks: int
    chunks_done: int


def watch(night: PlannedNight, tally: Tally) -> Iterator[Sight]:
    """Yields how far a night is whenever that has changed, until it is decided.

    Args:
        night: The night.
        tally: Holds the outcomes of its committed chunks.

    Raises:
        SystemicFault: It was discarded meanwhile.
    """
    follower = Follower(night.parts, tally)
    last = None
    while True:
        state = _state(night)
        follower.look()  # after the state: what is decided has all its parts
        if state != "open" and last is not None:
            _wait_for_page(night)
        sight = _sight(night, state, follower)
        if sight != last:
            yield sight
        if state != "open":
            return
        last = sight
        time.sleep(_PAUSE_SECONDS)


def _wait_for_page(night: PlannedNight) -> None:
    """Waits for what follows the verdict; not for ever, as its maker may be dead."""
    deadline = time.monotonic() + _PAGE_SECONDS
    while not files.size(night.folder.page) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)


def _state(night: PlannedNight) -> str:
    outcome = night.outcome()
    if isinstance(outcome, Discard):
        raise SystemicFault(
            f"run_date={night.plan.run_date}: got a plan that was discarded, expected "
            "one that stands; its photos are free, score them in a new night"
        )
    if outcome is not None:
        return "committed"
    return "open" if read_refusal(night.folder.refusal) is None else "failed"


def _sight(night: PlannedNight, state: str, follower: Follower) -> Sight:
    plan, counts = night.plan, follower.tally.counts
    return Sight(
        run_date=plan.run_date,
        state=state,
        planned=plan.planned,
        ok=counts.ok,
        failed=counts.failed,
        chunks=plan.chunks,
        chunks_done=follower.chunks,
    )
