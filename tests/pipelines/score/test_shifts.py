"""Gates of a night: quiet on ordinary nights, each closed by its own shift alone."""

from collections import Counter, deque
from dataclasses import replace

import numpy as np
import pytest

from pipelines.chunks.gates import Gate, input_size
from pipelines.score import shifts, statistics
from pipelines.score.gate_settings import GateSettings
from pipelines.score.statistics import Statistics
from tests.drawn.nights_rows import Night

LIMITS = GateSettings()
USUAL = Night()


def _total(nights: "deque[Statistics] | list[Statistics]") -> Statistics:
    total = statistics.Sum()
    for each in nights:
        total.add(each)
    return total.total()


def _closed(found: list[Gate]) -> list[str]:
    return [gate.name for gate in found if gate.closed]


@pytest.mark.parametrize("photos", [40, 300, 1500])
def test_a_thousand_ordinary_nights_close_no_gate(photos: int) -> None:
    """Less than one in a hundred may, of all gates and sizes together."""
    rng, usual = np.random.default_rng(photos), replace(USUAL, photos=photos)
    window: deque[Statistics] = deque(maxlen=LIMITS.window)
    sizes, alarms, judged = deque[int](maxlen=LIMITS.window), Counter[str](), 0
    for _ in range(334):
        night = usual.varied(rng)
        got = night.statistics(rng)
        found = shifts.compare(got, _total(window), LIMITS) if len(window) > 2 else []
        found += input_size(
            night.photos,
            list(sizes),
            smallest=LIMITS.min_input,
            largest=LIMITS.max_input,
        )
        alarms.update(_closed(found))
        judged += bool(found)
        window.append(got)
        sizes.append(night.photos)
    assert judged > 300, "the gates must have had something to go by"
    assert alarms.total() < 3, alarms


SHIFTS = [
    ("aesthetics", replace(USUAL, aesthetics=(6.35, 0.65)), "aesthetics_ks"),
    ("narrower", replace(USUAL, aesthetics=(5.35, 0.1)), "aesthetics_psi"),
    ("technical", replace(USUAL, technical=(4.3, 0.9)), "technical_ks"),
    ("classes", replace(USUAL, favourite=3, favoured=0.8), "class_share"),
    ("blank", replace(USUAL, blank=0.95, photos=9000), "blank_shift"),
]


@pytest.mark.parametrize(("night", "gate"), [s[1:] for s in SHIFTS], ids=lambda v: "")
def test_each_shift_closes_its_own_gate(night: Night, gate: str) -> None:
    rng = np.random.default_rng(7)
    reference = _total([USUAL.varied(rng).statistics(rng) for _ in range(5)])
    for seed in range(5):
        got = night.statistics(np.random.default_rng(seed))
        closed = _closed(shifts.compare(got, reference, LIMITS))
        assert gate in closed
        # Two distances judge the ratings of a task: either may see the same shift.
        family = gate.removesuffix("_ks").removesuffix("_psi")
        assert {name.removesuffix("_ks").removesuffix("_psi") for name in closed} == {
            family
        }
        assert _closed(shifts.compare(USUAL.statistics(rng), reference, LIMITS)) == []


def test_a_gate_says_what_it_found_and_what_may_be() -> None:
    rng = np.random.default_rng(1)
    reference = replace(USUAL, photos=4000).statistics(rng)
    got = replace(USUAL, aesthetics=(7.5, 0.3)).statistics(rng)
    found = {gate.name: gate for gate in shifts.compare(got, reference, LIMITS)}
    gate = found["aesthetics_ks"]
    assert gate.closed
    assert gate.limit is not None
    assert 0.15 < gate.limit < 0.35
    assert gate.got is not None
    assert gate.got > 0.8
    assert gate.why.startswith("drift of aesthetics ratings (KS): got 0.9")
    assert "expected at most 0." in gate.why
    assert not found["technical_ks"].closed


def test_few_photos_and_no_reference_close_nothing() -> None:
    rng = np.random.default_rng(2)
    reference = USUAL.statistics(rng)
    strange = Night(photos=150, aesthetics=(9, 0.1), technical=(2, 0.1), blank=1.0)
    assert shifts.compare(strange.statistics(rng), reference, LIMITS) == []
    many = replace(strange, photos=5000).statistics(rng)
    assert shifts.compare(many, Statistics(), LIMITS) == []
    assert shifts.compare(Statistics(), reference, LIMITS) == []


def test_a_gate_that_is_off_is_not_there() -> None:
    rng = np.random.default_rng(3)
    off = GateSettings(
        max_psi=None, max_ks=None, max_class_shift=None, max_blank_shift=None
    )
    reference, got = USUAL.statistics(rng), replace(USUAL, blank=1).statistics(rng)
    assert shifts.compare(got, reference, off) == []
    rate = off.model_copy(update={"max_blank_rate": 0.9})
    assert _closed(shifts.compare(got, reference, rate)) == ["blank_rate"]


def test_the_same_shift_closes_at_any_larger_size() -> None:
    """More photos leave less to chance: the limit falls, and never below its floor."""
    rng = np.random.default_rng(4)
    reference = replace(USUAL, photos=20_000).statistics(rng)
    limits = []
    for photos in (300, 1000, 5000, 20_000):
        night = replace(USUAL, photos=photos).statistics(rng)
        found = {g.name: g for g in shifts.compare(night, reference, LIMITS)}
        limits.append(found["technical_ks"].limit or 0)
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] > 0.15
