"""What an output knows about its nights: how far each is, and giving one up."""

from dataclasses import dataclass

from pipelines import files
from pipelines.chunks.counts import Counts
from pipelines.chunks.finish import read_refusal, text_of
from pipelines.chunks.read_ahead import read_ahead
from pipelines.score import lookup, pruned, publish, sequence
from pipelines.score.commit import Commit, Discard
from pipelines.score.discard import discard as give_up
from pipelines.score.plan import PlannedNight
from pipelines.score.summary import find_summary

HEADS = (
    "night",
    "state",
    "planned",
    "ok",
    "failed",
    "chunks",
    "images/s",
    "reasons",
)
NUMBERS = HEADS[2:7]
"""Heads whose columns are numbers."""


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
        why: Why it is not published, where it failed; who published it in spite of
            its gates, where that is so.
        seconds: Time of the last attempt that came to a verdict.
        images_per_second: Photos that it computed in that time.
        pruned: Why its masks are gone, where a rule has removed them.
        damage: What is missing of it at a glance; `fcn check` reads all.
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
    seconds: float | None = None
    images_per_second: float | None = None
    pruned: str | None = None
    damage: str | None = None

    def row(self) -> tuple[str, ...]:
        """Returns it for people, below `HEADS`."""
        notes = (text_of(self.failures), self.why, self.pruned, self.damage)
        return (
            self.run_date,
            self.state,
            *(str(count) for count in (self.planned, self.ok, self.failed)),
            f"{self.chunks_done}/{self.chunks}",
            "" if self.images_per_second is None else f"{self.images_per_second:.1f}",
            "; ".join(filter(None, notes)),
        )


def states(
    output: str, *, run_date: str | None = None, last: int | None = None
) -> list[NightState]:
    """Returns how far the nights of an output are, in their sequence.

    Args:
        output: The output.
        run_date: One night; all if None.
        last: So many of them, the latest; all if None.

    Raises:
        UsageError: There is no such output or night.
    """
    nights = lookup.nights_of(output, run_date)[-(last or 0) :]
    threads = files.parallel_reads(nights[0].out)
    looked = read_ahead(nights, _look_at, threads=threads, depth=2 * threads)
    return [state for state in looked if state is not None]


def _look_at(night: PlannedNight) -> NightState | None:
    """Returns how far a night is; None where it was given up meanwhile."""
    commit = night.outcome()
    return None if isinstance(commit, Discard) else _state_of(night, commit)


def _state_of(night: PlannedNight, commit: Commit | None) -> NightState:
    plan = night.plan
    failures, why = dict[str, int](), None
    if commit is not None:
        state, done = "committed", plan.chunks
        counts, failures = Counts(commit.ok, commit.failed), commit.failures
        why = None if commit.accepted is None else commit.accepted.text
    else:
        state, (done, counts) = "open", _count_parts(night)
        if (refusal := read_refusal(night.folder.refusal)) is not None:
            state, failures, why = "failed", refusal.failures, refusal.why
    summary = None if state == "open" else find_summary(night.folder)
    removed = None if commit is None else pruned.find(night.folder)
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
        seconds=None if summary is None else summary.seconds,
        images_per_second=None if summary is None else summary.images_per_second,
        pruned=None if removed is None else removed.text,
        damage=_damage(night, commit, has_masks=removed is None),
    )


def _damage(
    night: PlannedNight, commit: Commit | None, *, has_masks: bool
) -> str | None:
    """Returns what names and sizes tell about missing files, else None."""
    folder, plan = night.folder, night.plan
    pieces, parts = files.list_names(folder.pieces), files.list_names(folder.parts)
    if commit is None:
        is_whole = not folder.is_shown()
    else:
        is_whole = publish.is_shown(night, commit) and len(parts) == plan.chunks
    if plan.settings.has_masks and has_masks:
        is_whole = is_whole and files.exists(folder.masks)
    named = plan.files if commit is None else plan.files + commit.attached
    if is_whole and {piece.name for piece in named} <= set(pieces):
        return None
    return f"damaged: {night.cure}"


def _count_parts(night: PlannedNight) -> tuple[int, Counts]:
    """Returns how many parts are there, and the outcomes in them."""
    plan, done, counts = night.plan, 0, Counts()
    for chunk in range(plan.chunks):
        planned = plan.items_of(chunk)
        if (part := night.parts.find(chunk, planned=planned)) is not None:
            done, counts = done + 1, counts + part.counts
    return done, counts


def discard(output: str, *, run_date: str) -> int:
    """Gives an open night up; returns how many images are free again.

    Raises:
        UsageError: There is no such night, or it is committed.
    """
    night = _find_discarded(output, run_date)
    if night is None:
        night = lookup.find_night(output, run_date=run_date)
    give_up(night)
    return night.plan.planned


def _find_discarded(output: str, run_date: str) -> PlannedNight | None:
    """Returns the last plan of a night where it is discarded, perhaps half."""
    out = files.to_uri(output)
    plans = [plan for plan in sequence.read_chain(out) if plan.run_date == run_date]
    nights = [PlannedNight(out, plan) for plan in plans[-1:]]
    return next((n for n in nights if isinstance(n.outcome(), Discard)), None)
