"""`fcn estimate`: what was counted, measured and assumed; nothing is written."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from pipelines.estimate import estimate, measuring
from pipelines.estimate.config import EstimateConfig
from pipelines.lanes.settings import LaneSettings
from tests.runs import score_runs
from tests.runs.score_runs import fcn
from tests.runs.trees import everything


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes that take as long as they are asked to."""
    task, config = "tests.doubles.paced_lane:Paced", {"seconds": 0.01}
    lanes = LaneSettings(task=task, config=config, lanes=2)
    monkeypatch.setattr(estimate.score_lanes, "lanes_for", lambda *_, **__: lanes)
    monkeypatch.setattr(measuring, "_STEADY_SECONDS", 0.2)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    score_runs.add_photos(folder, 5, side=32)
    return folder


@pytest.mark.usefixtures("paced")
def test_says_what_is_measured_and_what_is_assumed(photos: Path) -> None:
    before = everything(photos.parent)
    ended = fcn("estimate", "--input", photos)
    assert ended.code == 0, ended.stderr
    assert everything(photos.parent) == before
    lines = ended.stdout.splitlines()
    assert lines[0] == "5 photos to score of 5"
    ways = [line for line in lines if line.startswith(("this machine", "Dataflow"))]
    assert len(ways) == 3
    kinds = [line.split()[0] for line in lines]
    assert kinds.count("measured") == 2
    assert kinds.count("assumed") == 4
    assert "2025-06-30" in lines[-1]


@pytest.mark.usefixtures("paced")
def test_json_has_the_same(photos: Path, tmp_path: Path) -> None:
    shipped = Path(estimate.__file__).with_name("prices.yaml").read_text()
    own = tmp_path / "mine.yaml"
    own.write_text(shipped.replace("local_hour: 0 ", "local_hour: 3600 "))
    words: list[str | Path] = [
        "estimate",
        "--input",
        photos,
        "--json",
        "--prices",
        own,
        "--sample",
        "3",
    ]
    made = json.loads(fcn(*words).stdout)
    assert made["count"]["photos"] == 5
    assert made["pace"]["photos"] == 3
    here = made["ways"][0]
    assert here["compute"] == pytest.approx(here["hours"] * 3600)
    seconds = 5 / made["pace"]["images_per_second"] + made["pace"]["start_seconds"]
    assert here["hours"] * 3600 >= seconds


def test_nothing_to_do_costs_nothing(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    score_runs.scored(photos, out, "--model", "quality")
    words: list[str | Path] = [
        "estimate",
        "--input",
        photos,
        "--output",
        out,
        "--model",
        "quality",
    ]
    ended = fcn(*words, "--run_date", score_runs.LATER[0])
    assert ended.code == 0, ended.stderr
    assert ended.stdout.startswith("0 photos to score of 5 (5 known)")


@pytest.mark.usefixtures("paced")
def test_photos_none_of_which_can_be_scored_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"bad")
    ended = fcn("estimate", "--input", tmp_path)
    assert ended.code == 2
    assert "none of which can be scored" in ended.stderr


def _night_of(folder: Path, count: int) -> Path:
    """Fills a folder with real photos where there are some, else with drawn ones."""
    photos = folder / "photos"
    real = os.environ.get("FCN_PHOTOS")
    if real is None:
        score_runs.add_photos(photos, count, side=400)
        return photos
    photos.mkdir()
    found = sorted(Path(real).glob("*.jpg"))
    for number in range(count):
        copy = photos / f"{number // len(found)}-{found[number % len(found)].name}"
        shutil.copyfile(found[number % len(found)], copy)
    return photos


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_within_a_fifth_of_a_real_night_of_a_thousand(tmp_path: Path) -> None:
    """Before and after the night, since other work on the machine comes and goes.

    FCN_PHOTOS names a folder of real JPEGs to use instead of drawn ones.
    """
    photos, out = _night_of(tmp_path, 1000), tmp_path / "out"
    words: list[str | Path] = ["estimate", "--input", photos, "--json"]
    before = json.loads(_run(words, tmp_path))["ways"][0]["hours"] * 3600
    start = time.perf_counter()
    _run(["score", "--input", photos, "--output", out], tmp_path)
    took = time.perf_counter() - start
    after = json.loads(_run(words, tmp_path))["ways"][0]["hours"] * 3600
    expected = (before + after) / 2
    assert abs(expected - took) < 0.2 * took, (before, after, took)


def _run(words: list[str | Path], folder: Path) -> str:
    """Runs a command in a process of its own, start included; returns what it said."""
    log = folder / f"{words[0]}.log"
    with score_runs.attempt([os.fspath(word) for word in words], log) as running:
        assert running.process.wait(timeout=3000) == 0, log.read_text()
    return log.read_text()


def test_its_flags_are_those_of_the_night(photos: Path) -> None:
    from pipelines.score.config import ScoreConfig

    assert set(ScoreConfig.flags()) <= set(EstimateConfig.flags())
