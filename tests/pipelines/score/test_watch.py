"""Watching a night: a line for each change, until it is decided."""

import json
import threading
from pathlib import Path

import pytest

from pipelines import files
from pipelines.chunks.counts import Counts, Tally
from pipelines.faults import SystemicFault
from pipelines.score import states, watch
from pipelines.score.plan import PlannedNight
from tests.drawn.night_plans import (
    NIGHT,
    draw_night,
    plan_night,
    publish_night,
    write_part,
)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(watch, "_PAGE_SECONDS", 0.05)


def watched(night: PlannedNight, tally: Tally | None = None) -> list[tuple]:
    sights = watch.watch(night, Tally() if tally is None else tally)
    return [(s.state, s.ok, s.failed, s.chunks_done) for s in sights]


def test_a_committed_night_is_over_at_once(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 9)
    publish_night(night)
    tally = Tally()
    assert watched(night, tally) == [("committed", 7, 2, 3)]
    assert tally.counts == Counts(7, 2, computed=0)


def test_an_open_night_is_seen_whenever_it_changes(tmp_path: Path) -> None:
    night = plan_night(tmp_path, 9)
    sights = watch.watch(night, Tally())
    first = next(sights)
    assert (first.state, first.ok, first.chunks_done, first.chunks) == ("open", 0, 0, 3)
    write_part(night, 2)
    assert next(sights).chunks_done == 1
    write_part(night, 0)
    write_part(night, 1)
    assert next(sights).chunks_done == 3
    publish_night(night)
    last = next(sights)
    assert (last.state, last.ok + last.failed) == ("committed", 9)
    assert list(sights) == []


def test_a_night_above_its_threshold_ends_the_watch(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 5)
    verdict = json.dumps({"why": "too much failed", "failures": {"corrupt": 1}})
    files.write_atomically(night.folder.refusal, verdict.encode())
    assert watched(night) == [("failed", 4, 1, 2)]


def test_a_night_that_is_given_up_meanwhile_is_one_line(tmp_path: Path) -> None:
    night = plan_night(tmp_path, 9)
    sights = watch.watch(night, Tally())
    next(sights)
    states.discard(str(tmp_path), run_date=NIGHT)
    with pytest.raises(SystemicFault, match="got a plan that was discarded"):
        next(sights)


def test_it_ends_beside_those_who_work(tmp_path: Path) -> None:
    night = plan_night(tmp_path, 9)

    def work() -> None:
        for chunk in range(3):
            write_part(night, chunk)
        publish_night(night)

    worker = threading.Thread(target=work)
    worker.start()
    seen = watched(night)
    worker.join()
    assert seen[-1] == ("committed", 7, 2, 3)
    assert [done for *_, done in seen] == sorted(done for *_, done in seen)


def test_who_saw_it_open_finds_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_PAGE_SECONDS", 60.0)
    night = draw_night(tmp_path, 9)
    sights = watch.watch(night, Tally())
    next(sights)
    publish_night(night)
    page = threading.Timer(0.3, files.write_atomically, (night.folder.page, b"page"))
    page.start()
    assert next(sights).state == "committed"
    assert files.read_bytes(night.folder.page) == b"page"
    assert list(sights) == []
