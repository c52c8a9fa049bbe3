"""The gates of a night of scores: before its plan, and before it is published.

What they compare with is decided when the plan is made and frozen with it, so that any
attempt, on any worker, comes to the same verdict.
"""

import statistics as medians
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipelines import files
from pipelines.chunks import gates
from pipelines.chunks.gates import USUAL_NIGHTS, Gate, at_least, at_most
from pipelines.faults import AboveThreshold, UsageError
from pipelines.score import shifts, statistics
from pipelines.score.gate_settings import Acceptance, FrozenGates, GateSettings
from pipelines.score.plan import Draft, Plan, PlannedNight
from pipelines.score.statistics import Statistics
from pipelines.score.summary import find_summary

_GB: Final = 10**9
_BYTES_A_PHOTO: Final = 100_000
"""Of masks and rows, where no night has been measured."""

_SECONDS_AN_HOUR: Final = 3600


class GatesClosed(AboveThreshold):
    """A night is not begun, with every reason.

    Args:
        reasons: One sentence for each gate.
        cure: What to do.
    """

    def __init__(self, reasons: Sequence[str], cure: str):
        super().__init__(f"{'; '.join(reasons)}; {cure}")
        self.reasons = tuple(reasons)


@dataclass(frozen=True)
class Policy:
    """How a night is judged.

    Attributes:
        settings: Limits.
        accepted: Who lets it pass whatever the gates have against it; None: nobody.
        any_size: Whether it may have more or fewer photos than nights usually have.
    """

    settings: GateSettings
    accepted: Acceptance | None = None
    any_size: bool = False


@dataclass(frozen=True)
class Past:
    """The committed nights of an output that a new one is compared with.

    Attributes:
        nights: The last ones with photos, in their sequence, replays left out.
        comparable: Those to compare rows with: under the same fingerprint.
    """

    nights: Sequence[PlannedNight]
    comparable: Sequence[PlannedNight]

    @classmethod
    def find(
        cls,
        out: str,
        earlier: Sequence[Plan],
        *,
        fingerprint: str,
        settings: GateSettings,
    ) -> "Past":
        """Returns the past of a night that is being planned.

        Raises:
            UsageError: The reference is no committed night.
        """
        scored = [PlannedNight(out, p) for p in earlier if p.kind == "score"]
        done = [n for n in scored if n.plan.planned and n.commit() is not None]
        same = [n for n in done if n.plan.fingerprint == fingerprint]
        if settings.reference is None:
            comparable = same[-settings.window :]
            if len(comparable) < USUAL_NIGHTS:
                comparable = []
        else:
            _check_reference(done, settings.reference, out)
            comparable = [n for n in same if n.plan.run_date == settings.reference]
        return cls(done[-settings.window :], comparable)

    def statistics(self) -> Statistics | None:
        """Returns those of the comparable nights together; None where there is none."""
        return statistics.total_of(self.comparable) if self.comparable else None


def _check_reference(done: Sequence[PlannedNight], reference: str, out: str) -> None:
    dates = [night.plan.run_date for night in done]
    if reference not in dates:
        known = ", ".join(dates[-5:]) or "there is none yet"
        raise UsageError(
            f"gates.reference: got {reference}, expected a committed night of {out}: "
            f"{known}"
        )


def before(
    out: str, planned: int, *, past: Past, settings: GateSettings, any_size: bool
) -> list[Gate]:
    """Returns the gates that are there before a night costs anything.

    Args:
        out: The output.
        planned: Photos of the night.
        past: The nights before it.
        settings: Limits.
        any_size: Whether the number of photos does not matter.
    """
    found = []
    if not any_size:
        usual = [night.plan.planned for night in past.nights]
        found += gates.input_size(
            planned, usual, smallest=settings.min_input, largest=settings.max_input
        )
    found += _disk(out, planned, past=past, settings=settings)
    return [*found, *_cost(planned, past=past, settings=settings)]


def judge(draft: Draft, out: str, earlier: Sequence[Plan], *, policy: Policy) -> Draft:
    """Returns a draft with its gates, those before the plan passed.

    Args:
        draft: Of the night.
        out: The output.
        earlier: All plans that stand.
        policy: How the night is judged.

    Raises:
        GatesClosed: A gate before the plan is closed, and nobody accepts that.
        UsageError: The reference is no committed night.
    """
    settings, accepted = policy.settings, None
    past = Past.find(out, earlier, fingerprint=draft.fingerprint, settings=settings)
    planned = draft.items.num_rows
    found = before(out, planned, past=past, settings=settings, any_size=policy.any_size)
    closed = tuple(gate.why for gate in found if gate.closed)
    if closed and policy.accepted is None:
        raise GatesClosed(
            closed,
            "nothing is planned; mend the input, or pass --accept REASON to the same "
            "command",
        )
    if closed and policy.accepted is not None:
        accepted = policy.accepted.model_copy(update={"reasons": closed})
    reference = past.statistics()
    return replace(
        draft,
        gates=FrozenGates(settings=settings, accepted=accepted),
        baseline=None if reference is None else reference.encode(),
    )


def _disk(
    out: str, planned: int, *, past: Past, settings: GateSettings
) -> Iterator[Gate]:
    free = files.free_bytes(out)
    if settings.min_free_gb is None or free is None or not planned:
        return
    measured = statistics.total_of(past.nights[-USUAL_NIGHTS:])
    each: float = _BYTES_A_PHOTO
    if measured.photos and measured.stored_bytes:
        each = measured.stored_bytes / measured.photos
    left = (free - planned * each) / _GB
    what = f"free disk after {planned} photos of {each / 1000:.0f} kB each"
    yield at_least("free_disk", left, settings.min_free_gb, what=what, unit=" GB")


def _cost(planned: int, *, past: Past, settings: GateSettings) -> Iterator[Gate]:
    if settings.max_cost is None or settings.price_per_hour is None:
        return
    speed = settings.images_per_second or _usual_speed(past.nights)
    if speed is None:
        return
    cost = planned / speed / _SECONDS_AN_HOUR * settings.price_per_hour
    what = f"cost of {planned} photos at {speed:.3g} images/s"
    yield at_most("cost", cost, settings.max_cost, what=what)


def _usual_speed(nights: Sequence[PlannedNight]) -> float | None:
    summaries = [find_summary(night.folder) for night in nights]
    speeds = [
        each.images_per_second
        for each in summaries
        if each is not None and each.images_per_second > 0
    ]
    return medians.median(speeds) if speeds else None


def after(night: PlannedNight, got: Statistics) -> list[Gate]:
    """Returns the gates on a night's rows, those that have enough to go by.

    Args:
        night: The night.
        got: The statistics of its rows.

    Raises:
        SystemicFault: The statistics of the reference are missing or damaged.
    """
    frozen = night.plan.gates
    if frozen is None:
        return []
    expected = Statistics()
    if frozen.baseline:
        expected = statistics.read(night, frozen.baseline[0])
    return shifts.compare(got, expected, frozen.settings)
