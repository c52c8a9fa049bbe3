"""The nights of an output, as commands name them."""

from pathlib import Path

import pytest

from pipelines.faults import UsageError
from pipelines.score import lookup
from tests.drawn.night_plans import NIGHT, draw_night, plan_night, publish_night


@pytest.fixture
def output(tmp_path: Path) -> str:
    """A committed night, and an open one after it."""
    publish_night(draw_night(tmp_path, 9, night="2026-11-19"))
    plan_night(tmp_path, 3)
    return str(tmp_path)


def test_all_or_one_or_the_latest(output: str) -> None:
    def dates(run_date: str | None = None) -> list[str]:
        return [night.plan.run_date for night in lookup.nights_of(output, run_date)]

    assert dates() == ["2026-11-19", NIGHT]
    assert dates("2026-11-19") == ["2026-11-19"]
    assert [plan.run_date for plan in lookup.plans_of(output)] == dates()
    for named, found in ((None, NIGHT), ("2026-11-19", "2026-11-19")):
        night = lookup.find_night(output, run_date=named)
        assert (night.out, night.plan.run_date) == (output, found)


def test_the_latest_committed_one_or_a_cure(output: str) -> None:
    for named in (None, "2026-11-19"):
        found = lookup.find_committed(output, run_date=named)
        assert found.plan.run_date == "2026-11-19"
    with pytest.raises(UsageError, match=r"got no committed night.*with fcn score"):
        lookup.find_committed(output, run_date=NIGHT)


@pytest.mark.parametrize("find", [lookup.find_night, lookup.find_committed])
def test_what_is_not_there_is_one_line(output: str, find: object) -> None:
    assert callable(find)
    with pytest.raises(UsageError) as unknown:
        find(output, run_date="2020-01-01")
    assert str(unknown.value) == (
        "--run_date: got 2020-01-01, expected a night of this output: 2026-11-19, "
        + NIGHT
    )
    with pytest.raises(UsageError, match="nowhere: got no night, expected an output"):
        find(f"{output}/nowhere", run_date=None)
