"""One call of `fcn nightly`: look-back, empty nights, gates, acceptance, backfill."""

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import files
from tests.doubles import stub_scoring
from tests.doubles.stub_scoring import Machine, photo
from tests.runs import score_runs
from tests.runs.nightly_runs import SMALL, Bench

FIRST = datetime.date(2026, 11, 20)


def day(number: int) -> datetime.date:
    return FIRST + datetime.timedelta(days=number)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with stub_scoring.stub() as machine:
        yield machine


@pytest.fixture
def bench(tmp_path: Path, machine: Machine) -> Bench:
    del machine
    gates = {"min_photos": 20, "min_free_gb": None}
    return Bench(tmp_path, {**SMALL, "gates": gates})


def _fill(bench: Bench, of: datetime.date, count: int, **shown: float) -> None:
    for number in range(count):
        seed = of.toordinal() * 1000 + number
        aesthetics = shown.get("aesthetics", 4.5 + number % 17 / 10)
        bench.put(of, f"{number:03}.jpg", photo(seed, aesthetics=aesthetics))


def _ends(bench: Bench, of: datetime.date, *words: str) -> list[tuple[str, str, int]]:
    nights = bench.nights("--run_date", of.isoformat(), *words)
    return [(n["run_date"], n["verdict"], n["exit_code"]) for n in nights]


def _success(of: datetime.date) -> tuple[str, str, int]:
    return of.isoformat(), "success", 0


def test_late_photos_of_the_last_days_come_with_the_next_night(bench: Bench) -> None:
    _fill(bench, day(0), 3)
    assert _ends(bench, day(0)) == [_success(day(0))]
    bench.put(day(-3), "late.jpg", photo(1))
    bench.put(day(-4), "too-late.jpg", photo(2))
    bench.put(day(0), "also-late.jpg", photo(3))
    assert _ends(bench, day(0)) == [_success(day(0))]  # its plan is frozen
    names = [Path(row["image_uri"]).name for row in bench.rows()]
    assert sorted(names) == ["000.jpg", "001.jpg", "002.jpg"]
    assert _ends(bench, day(1)) == [_success(day(1))]
    late = [
        Path(r["image_uri"]).name for r in bench.rows() if r["run_date"] > "2026-11-20"
    ]
    assert late == ["also-late.jpg"]  # of night 1: days -2 to 1


def test_an_empty_night_is_a_success_with_zeros(bench: Bench) -> None:
    (night,) = bench.nights("--run_date", day(0).isoformat())
    assert (night["verdict"], night["exit_code"]) == ("success", 0)
    assert [night["summary"][n] for n in ("planned", "ok", "failed")] == [0, 0, 0]
    assert bench.rows() == []
    assert (bench.out / f"scores/run_date={day(0)}/_SUCCESS").exists()


def test_what_all_days_lie_in_must_be_there(bench: Bench) -> None:
    (night,) = bench.nights(
        "--run_date", day(0).isoformat(), input=f"{bench.root}/mount/{{date}}/"
    )
    assert (night["verdict"], night["exit_code"]) == ("broken", 2)
    assert "whether its disk is mounted" in night["reasons"][0]
    assert not bench.out.exists()


def test_a_dead_night_is_finished_by_the_next_call(
    bench: Bench, machine: Machine
) -> None:
    _fill(bench, day(0), 40)
    machine.dies_after = 20
    assert _ends(bench, day(0)) == [(day(0).isoformat(), "broken", 1)]
    machine.dies_after = None
    _fill(bench, day(1), 3)
    nights = bench.nights("--run_date", day(1).isoformat())
    assert [(n["run_date"], n["verdict"], n["recovered"]) for n in nights] == [
        ("2026-11-20", "success", True),
        ("2026-11-21", "success", False),
    ]
    assert len(bench.rows()) == 43
    assert len(machine.scored) == 43 + 4  # the chunk that died was begun again


@pytest.mark.parametrize("lost", ["_SUCCESS", "summary.json", "index.html"])
def test_a_night_killed_on_its_last_steps_is_completed(bench: Bench, lost: str) -> None:
    _fill(bench, day(0), 3)
    assert _ends(bench, day(0)) == [_success(day(0))]
    (path,) = bench.out.glob(f"*/run_date={day(0)}/{lost}")
    path.unlink()
    assert _ends(bench, day(1)) == [_success(day(0)), _success(day(1))]
    assert path.exists()
    assert _ends(bench, day(2)) == [_success(day(2))]


def _usual_nights(bench: Bench, count: int = 3) -> datetime.date:
    for number in range(count):
        _fill(bench, day(number), 60)
        assert _ends(bench, day(number)) == [_success(day(number))]
    return day(count)


def test_drift_keeps_a_night_back_until_a_person_accepts_it(
    bench: Bench, machine: Machine
) -> None:
    tonight = _usual_nights(bench)
    _fill(bench, tonight, 60, aesthetics=9.5)
    (night,) = bench.nights("--run_date", tonight.isoformat())
    assert (night["verdict"], night["exit_code"]) == ("failed", 3)
    assert [reason.partition(":")[0] for reason in night["reasons"]] == [
        "drift of aesthetics ratings (PSI)",
        "drift of aesthetics ratings (KS)",
    ]
    assert night["summary"]["verdict"] == "failed"
    assert not (bench.out / f"scores/run_date={tonight}").exists()
    # It waits for a person, and is no matter of the next night.
    ended = bench.call("--run_date", day(4).isoformat())
    assert ended.code == 0
    assert f"run_date={tonight} waits for a person: drift of" in ended.stderr
    scored = len(machine.scored)
    words = ("--run_date", tonight.isoformat(), "--accept", "a wedding")
    (accepted,) = bench.nights(*words)
    assert (accepted["verdict"], accepted["exit_code"]) == ("success", 0)
    assert len(machine.scored) == scored, "nothing is computed again"
    word = bench.commit(tonight)["accepted"]
    assert word["why"] == "a wedding"
    assert word["who"]
    assert word["reasons"] == night["reasons"]
    assert word["when"].endswith("+00:00")
    assert accepted["summary"]["accepted"] == word
    status = score_runs.fcn("status", bench.out)
    assert "a wedding" in status.stdout
    again = bench.nights("--run_date", tonight.isoformat())
    assert again[-1]["verdict"] == "success"
    # A commit that is lost comes back with the word that it held.
    commit = Path(score_runs.plan_folder(bench.out, str(tonight)).commit)
    before = commit.read_bytes()
    commit.unlink()
    mended = score_runs.fcn("check", bench.out, "--mend")
    assert mended.code == 0, mended.stdout
    assert commit.read_bytes() == before


def test_far_too_many_photos_are_refused_before_they_cost_anything(
    bench: Bench, machine: Machine
) -> None:
    tonight = _usual_nights(bench)
    _fill(bench, tonight, 301)
    scored = len(machine.scored)
    (night,) = bench.nights("--run_date", tonight.isoformat())
    assert (night["verdict"], night["exit_code"]) == ("failed", 3)
    assert night["reasons"] == [
        "new photos (5 times the usual 60): got 301, expected at most 300"
    ]
    assert len(machine.scored) == scored
    assert not list((bench.out / "_runs").glob(f"run_date={tonight}/*/plan/*"))
    words = ("--run_date", tonight.isoformat(), "--accept", "the archive of a friend")
    assert bench.nights(*words)[0]["verdict"] == "success"
    word = bench.commit(tonight)["accepted"]
    assert (word["why"], len(word["reasons"])) == ("the archive of a friend", 1)


def test_disk_and_money_are_counted_before_the_plan(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tonight = _usual_nights(bench)
    _fill(bench, tonight, 60)
    monkeypatch.setattr(files, "free_bytes", lambda uri: 10**9 + 1000)
    gates = {
        "min_free_gb": 1,
        "max_cost": 1.5,
        "price_per_hour": 3600,
        "images_per_second": 20,
    }
    night = bench.nights("--run_date", tonight.isoformat(), gates=gates)[-1]
    assert (night["verdict"], night["exit_code"]) == ("failed", 3)
    disk, cost = night["reasons"]
    assert disk.startswith("free disk after 60 photos of ")
    assert disk.endswith("expected at least 1 GB")
    assert cost == "cost of 60 photos at 20 images/s: got 3, expected at most 1.5"
    # At the speed of the nights before, and with room enough, it passes.
    del gates["images_per_second"]
    gates |= {"min_free_gb": 0.9, "price_per_hour": 0.001}
    night = bench.nights("--run_date", tonight.isoformat(), gates=gates)[-1]
    assert (night["verdict"], night["exit_code"]) == ("success", 0)
    frozen = json.loads((bench.out / "_runs/plans/00000004.json").read_bytes())
    assert frozen["gates"]["settings"]["min_free_gb"] == 0.9
    assert len(frozen["gates"]["baseline"]) == 1


@pytest.mark.parametrize("together", [False, True])
def test_a_backfill_takes_its_days_the_oldest_first(
    bench: Bench, together: bool
) -> None:
    for number in range(4):
        _fill(bench, day(number), 2)
    words = ["--backfill", "--from", str(day(0)), "--to", str(day(2))]
    nights = bench.nights(*words, *(["--together"] if together else []))
    dates = [night["run_date"] for night in nights]
    assert dates == ([str(day(2))] if together else [str(day(n)) for n in range(3)])
    rows = {(Path(r["image_uri"]).parent.name, r["run_date"]) for r in bench.rows()}
    expected = {(str(day(n)), str(day(2 if together else n))) for n in range(3)}
    assert rows == expected
    assert len(bench.rows()) == 6
