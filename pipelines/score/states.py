"""What an output knows about its nights: how far each is, and giving one up."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import layout
from pipelines.score import plan as score_plan
from pipelines.score.commit import read_commit
from pipelines.score.parts import read_part_counts
from pipelines.score.plan import Plan

HEADS = ("night", "state", "planned", "ok", "failed", "chunks", "reasons")


@dataclass(frozen=True)
class NightState:
    """How far one night is.

    Attributes:
        run_date: The night.
        kind: `score` or `replay`.
        state: `committed`, `failed` (above the threshold) or `open`.
        planned: Images of the plan.
        ok: Images with a result so far.
        failed: Images with a reason so far.
        chunks: Chunks of the plan.
        chunks_done: Chunks that are committed.
        failures: Number of images for each reason, once every chunk is done.
        why: Why it is not published, where it failed.
    """

    run_date: str
    kind: str
    state: str
    planned: int
    ok: int
    failed: int
    chunks: int
    chunks_done: int
    failures: dict[str, int]
    why: str | None = None

    def described(self) -> dict[str, object]:
        """Returns it for scripts."""
        return asdict(self)

    def row(self) -> tuple[str, ...]:
        """Returns it for people, below `HEADS`."""
        reasons = [f"{reason} {n}" for reason, n in self.failures.items()]
        return (
            self.run_date,
            self.state,
            *(str(count) for count in (self.planned, self.ok, self.failed)),
            f"{self.chunks_done}/{self.chunks}",
            "; ".join(filter(None, (", ".join(reasons), self.why))),
        )


@dataclass(frozen=True)
class CommittedNight:
    """A night whose table is published."""

    out: str
    plan: Plan


def _plans(output: str, run_date: str | None) -> tuple[str, list[Plan]]:
    out = files.to_uri(output)
    found = score_plan.read_all(out)
    if not found:
        raise UsageError(
            f"{output}: got no night, expected an output of fcn score; check the path"
        )
    if run_date is None:
        return out, found
    if (plan := score_plan.find(found, run_date)) is None:
        known = ", ".join(plan.run_date for plan in found[-5:])
        raise UsageError(
            f"--run_date: got {run_date}, expected a night of this output: {known}"
        )
    return out, [plan]


def states(output: str, *, run_date: str | None = None) -> list[NightState]:
    """Returns how far the nights of an output are, in their sequence.

    Raises:
        UsageError: there is no such output or night.
    """
    out, found = _plans(output, run_date)
    return [_state(out, plan) for plan in found]


def _state(out: str, plan: Plan) -> NightState:
    commit = read_commit(out, plan.run_date)
    if commit is not None:
        return NightState(
            run_date=plan.run_date,
            kind=plan.kind,
            state="committed",
            planned=plan.planned,
            ok=commit["ok"],
            failed=commit["failed"],
            chunks=plan.chunks,
            chunks_done=plan.chunks,
            failures=commit["failures"],
        )
    parts = [read_part_counts(out, plan, n) for n in range(plan.chunks)]
    done = [counts for counts in parts if counts is not None]
    verdict = _failed_verdict(out, plan)
    return NightState(
        run_date=plan.run_date,
        kind=plan.kind,
        state="open" if verdict is None else "failed",
        planned=plan.planned,
        ok=sum(counts.ok for counts in done),
        failed=sum(counts.failed for counts in done),
        chunks=plan.chunks,
        chunks_done=len(done),
        failures={} if verdict is None else verdict["failures"],
        why=None if verdict is None else verdict["why"],
    )


def _failed_verdict(out: str, plan: Plan) -> dict[str, Any] | None:
    uri = files.join(layout.run_folder(out, plan.run_date), "_FAILED")
    return json.loads(files.read_bytes(uri)) if files.exists(uri) else None


def committed(output: str, *, run_date: str | None) -> CommittedNight:
    """Returns a committed night, the latest unless one is named.

    Raises:
        UsageError: there is none.
    """
    out, found = _plans(output, run_date)
    for plan in reversed(found):
        if read_commit(out, plan.run_date) is not None:
            return CommittedNight(out, plan)
    raise UsageError(
        f"{output}: got no committed night, expected one with a table; finish it with "
        "fcn score"
    )


def discard(output: str, *, run_date: str) -> int:
    """Gives an open night up; returns how many images are free again.

    Raises:
        UsageError: there is no such night, or it is committed.
    """
    out, (plan,) = _plans(output, run_date)
    if read_commit(out, plan.run_date) is not None:
        raise UsageError(
            f"--run_date: got {run_date}, expected an open night; a committed one stays"
        )
    score_plan.discard(out, plan)
    files.remove_folder(files.join(out, "masks", f"run_date={run_date}"))
    return plan.planned
