"""A small night of `fcn nightly` for real: Beam's graph, lanes, a built-in model."""

import datetime
import json
from pathlib import Path

import yaml

from pipelines.pages import night as pages_night
from pipelines.score.layout import NightFolder
from tests.runs import score_runs
from tests.runs.nightly_runs import Bench

NIGHT = datetime.date(2026, 11, 20)
SETTINGS = {
    "model": "quality",
    "lanes": 1,
    "chunk_size": 2,
    "masks": "none",
    "beam": {"runner": "DirectRunner", "no_auth": True},
}


def _pins(folder: Path) -> Path:
    return folder / "canaries.yaml"


def test_a_wrong_canary_stops_the_night_until_it_is_accepted(tmp_path: Path) -> None:
    canaries = tmp_path / "canaries"
    score_runs.add_photos(canaries, 2)
    bench = Bench(tmp_path, {**SETTINGS, "canaries": str(canaries)})
    score_runs.add_photos(bench.folder(NIGHT), 3, first=50)
    assert bench.call("--pin_canaries").code == 0
    pinned = yaml.safe_load(_pins(canaries).read_text())
    right = pinned["photos"]["photo-000.jpg"]["means"]["technical"]
    assert 1 < right < 10
    pinned["photos"]["photo-000.jpg"]["means"]["technical"] = right + 1
    _pins(canaries).write_text(yaml.safe_dump(pinned))

    words = ("--run_date", NIGHT.isoformat())
    (night,) = bench.nights(*words)
    assert (night["verdict"], night["exit_code"]) == ("failed", 3)
    (reason,) = night["reasons"]
    assert reason.startswith("canary photo-000.jpg: technical_mean: got ")
    assert score_runs.part_paths(bench.out) == [], "it costs nothing"
    refusal = json.loads(Path(score_runs.plan_folder(bench.out).refusal).read_bytes())
    assert refusal["reasons"] == [reason]

    (night,) = bench.nights(*words, "--accept", "the model is new")
    assert (night["verdict"], night["summary"]["ok"]) == ("success", 3)
    assert not Path(score_runs.plan_folder(bench.out).refusal).exists()


def test_right_canaries_and_a_page_that_says_who_accepted(tmp_path: Path) -> None:
    canaries = tmp_path / "canaries"
    score_runs.add_photos(canaries, 1)
    bench = Bench(tmp_path, {**SETTINGS, "canaries": str(canaries)})
    assert bench.call("--pin_canaries").code == 0
    score_runs.add_photos(bench.folder(NIGHT), 2, first=50)
    for number in range(2):
        (bench.folder(NIGHT) / f"broken-{number}.jpg").write_bytes(b"\xff\xd8 no")
    words = ("--run_date", NIGHT.isoformat())
    (night,) = bench.nights(*words)
    assert (night["verdict"], night["summary"]["failed"]) == ("success", 2)
    summary = json.loads(Path(_folder(bench).summary).read_bytes())
    summary["accepted"] = {
        "who": "<b>ann</b>",
        "when": "2026-11-21T08:00:00+00:00",
        "why": "looked at",
        "reasons": ["drift of technical ratings (KS): got 0.9"],
    }
    Path(_folder(bench).summary).write_text(json.dumps(summary))
    pages_night.build(_folder(bench))
    page = Path(_folder(bench).page).read_text()
    assert "Published in spite of its gates" in page
    assert "accepted by &lt;b&gt;ann&lt;/b&gt; at 2026-11-21T08:00:00+00:00" in page
    assert "drift of technical ratings (KS): got 0.9" in page


def _folder(bench: Bench) -> NightFolder:
    return NightFolder(str(bench.out), NIGHT.isoformat())
