"""What an output knows about its nights: how far each is, and giving one up."""

from dataclasses import dataclass

from pipelines import files
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import read_refusal, text_of
from pipelines.faults import UsageError
from pipelines.score import sequence
from pipelines.score.commit import read_commit
from pipelines.score.plan import PlannedNight

HEADS = ("night", "state", "planned", "ok", "failed", "chunks", "reasons")


@dataclass(frozen=True)
class NightState:
    """How far the night of a plan is.

    Attributes:
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

    def row(self) -> tuple[str, ...]:
        """Returns it for people, below `HEADS`."""
        return (
            self.run_date,
            self.state,
            *(str(count) for count in (self.planned, self.ok, self.failed)),
            f"{self.chunks_done}/{self.chunks}",
            "; ".join(filter(None, (text_of(self.failures), self.why))),
        )


def _find_plans(output: str, run_date: str | None) -> list[PlannedNight]:
    out = files.to_uri(output)
    found = sequence.read_all(out)
    if not found:
        raise UsageError(
            f"{output}: got no night, expected an output of fcn score; check the path"
        )
    if run_date is not None:
        plan = sequence.find(found, run_date)
        if plan is None:
            known = ", ".join(plan.run_date for plan in found[-5:])
            raise UsageError(
                f"--run_date: got {run_date}, expected a night of this output: {known}"
            )
        found = [plan]
    return [PlannedNight(out, plan) for plan in found]


def states(output: str, *, run_date: str | None = None) -> list[NightState]:
    """Returns how far the nights of an output are, in their sequence.

    Raises:
        UsageError: There is no such output or night.
    """
    return [_state_of(night) for night in _find_plans(output, run_date)]


def _state_of(night: PlannedNight) -> NightState:
    plan, commit = night.plan, read_commit(night.folder)
    failures, why = dict[str, int](), None
    if commit is not None:
        state, done = "committed", plan.chunks
        counts, failures = Counts(commit.ok, commit.failed), commit.failures
    else:
        state, (done, counts) = "open", _count_parts(night)
        if (refusal := read_refusal(night.folder.refusal)) is not None:
            state, failures, why = "failed", refusal.failures, refusal.why
    return NightState(
        run_date=plan.run_date,
        kind=plan.kind,
        state=state,
        planned=plan.planned,
        ok=counts.ok,
        failed=counts.failed,
        chunks=plan.chunks,
        chunks_done=done,
        failures=failures,
        why=why,
    )


def _count_parts(night: PlannedNight) -> tuple[int, Counts]:
    """Returns how many parts are there, and the outcomes in them."""
    plan, done, counts = night.plan, 0, Counts()
    for chunk in range(plan.chunks):
        planned = min(plan.chunk_size, plan.planned - chunk * plan.chunk_size)
        if (part := night.parts.find(chunk, planned=planned)) is not None:
            done, counts = done + 1, counts + part.counts
    return done, counts


def find_committed(output: str, *, run_date: str | None) -> PlannedNight:
    """Returns a committed night, the latest unless one is named.

    Raises:
        UsageError: There is none.
    """
    for night in reversed(_find_plans(output, run_date)):
        if read_commit(night.folder) is not None:
            return night
    raise UsageError(
        f"{output}: got no committed night, expected one with a table; finish it with "
        "fcn score"
    )


def discard(output: str, *, run_date: str) -> int:
    """Gives an open night up; returns how many images are free again.

    Raises:
        UsageError: There is no such night, or it is committed.
    """
    (night,) = _find_plans(output, run_date)
    if read_commit(night.folder) is not None:
        raise UsageError(
            f"--run_date: got {run_date}, expected an open night; a committed one stays"
        )
    sequence.discard(night)
    files.remove_folder(night.folder.masks)
    return night.plan.planned
