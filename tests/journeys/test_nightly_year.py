"""Two weeks and a year of `fcn nightly`: each photo once, each alarm and no other."""

import datetime
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles import stub_scoring
from tests.doubles.stub_scoring import Machine, photo
from tests.runs.nightly_runs import SMALL, Bench, clock
from tests.runs.nightly_year import FIRST_MODEL, LOOK_BACK, TIMEZONE, Script, Year

TWO_WEEKS = Script(
    14,
    empty=[4],
    late=[3, 9],
    too_late=[8],
    replaced=[10],
    asleep=[7],
    dead=[5],
    drift=[8],
    wrong_library=[10],
    rotten=[2],
    new_model=11,
    twice=[12],
)
WHOLE_YEAR = Script(
    365,
    empty=[12, 13, 14, 100, 358, 359],
    late=[*range(5, 355, 11)],
    too_late=[40, 222],
    replaced=[*range(9, 350, 17)],
    asleep=[60, 61, 180],
    dead=[33, 143, 290],
    drift=[75, 310],
    wrong_library=[111],
    flood=[160],
    rotten=[50],
    new_model=250,
    twice=[20, 86, 87, 297, 340],
)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with stub_scoring.stub() as machine:
        yield machine


def _bench(root: Path, machine: Machine) -> Bench:
    """Returns a configuration with canaries, pinned by its own command."""
    settings: dict[str, Any] = {
        **SMALL,
        "model": FIRST_MODEL,
        "timezone": TIMEZONE,
        "look_back": LOOK_BACK,
        "canaries": str(root / "canaries"),
        "gates": {"min_photos": 20, "min_free_gb": None},
    }
    bench = Bench(root, settings)
    (root / "canaries").mkdir()
    (root / "canaries/street.jpg").write_bytes(photo(-1, aesthetics=6.0))
    ended = bench.call("--pin_canaries")
    assert ended.code == 0, ended.stderr
    machine.scored.clear()
    return bench


def _run(root: Path, machine: Machine, script: Script, first: datetime.date) -> Year:
    year = Year(_bench(root, machine), machine, script, first)
    year.run()
    return year


def test_two_weeks(tmp_path: Path, machine: Machine) -> None:
    year = _run(tmp_path, machine, TWO_WEEKS, datetime.date(2026, 3, 20))
    assert year.problems() == []
    assert len(year.alarms) == 4


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_year(tmp_path: Path, machine: Machine) -> None:
    year = _run(tmp_path, machine, WHOLE_YEAR, datetime.date(2026, 1, 1))
    assert year.problems() == []
    assert len(year.alarms) == 8
    (_, half_bytes), (whole, whole_bytes) = year.sizes[181], year.sizes[364]
    first, second = half_bytes / 182, (whole_bytes - half_bytes) / 183
    each = whole_bytes / whole
    text = (
        f"{whole} photos, {each:.0f} bytes a photo; {first:.0f}, {second:.0f} a night"
    )
    sys.stderr.write(f"{text}\n")
    # What grew with the square of the nights would be three times as much.
    assert second < 1.3 * first, text


@pytest.mark.parametrize(
    ("day", "hour"),
    [
        (datetime.date(2026, 3, 29), 0.1),  # the night that has no hour from 2 to 3
        (datetime.date(2026, 3, 30), 0.1),
        (datetime.date(2026, 3, 29), 2.5),
        (datetime.date(2026, 10, 25), 2.5),  # the night that has it twice
        (datetime.date(2026, 10, 25), 23.9),
        (datetime.date(2026, 10, 26), 0.1),
        (datetime.date(2027, 1, 1), 0.5),
    ],
)
def test_yesterday_is_the_day_before_in_a_time_zone(
    tmp_path: Path, machine: Machine, day: datetime.date, hour: float
) -> None:
    del machine
    bench = Bench(tmp_path, {**SMALL, "timezone": TIMEZONE})
    with clock(day, hour, TIMEZONE):
        (night,) = bench.nights()
    assert night["run_date"] == (day - datetime.timedelta(days=1)).isoformat()
