"""`fcn prune`: its words and what it prints."""

import json
from pathlib import Path

import pytest

from tests.drawn.night_plans import draw_night, publish_night
from tests.runs.score_runs import fcn

OLD = "2020-01-01"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    publish_night(draw_night(tmp_path, 9, night=OLD))
    return tmp_path


def test_what_it_prints(out: Path) -> None:
    words = ("prune", out, "--masks_after", "4w")
    ended = fcn(*words, "--preview")
    assert ended.code == 0
    head, line, last = ended.stdout.splitlines()
    assert head.split() == ["night", "what", "number", "MiB"]
    assert line.split() == [OLD, "masks", "7", "0.0"]
    assert last == "7 files would go, 0.0 MiB"
    answer = json.loads(fcn(*words, "--json").stdout)
    removed = [{"run_date": OLD, "kind": "masks", "number": 7, "bytes": 0}]
    assert answer == {"preview": False, "removed": removed}
    assert fcn(*words).stdout == "0 files removed, 0.0 MiB\n"


@pytest.mark.parametrize("age", ["30", "1m", "-3d", "d"])
def test_an_age_is_days_or_weeks(out: Path, age: str) -> None:
    ended = fcn("prune", out, f"--masks_after={age}")
    assert ended.code == 2
    assert "expected days or weeks such as 30d or 8w" in ended.stderr
