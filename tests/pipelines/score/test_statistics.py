"""Statistics of a night: counted like the rows, added up, kept with the commit."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.score import statistics
from pipelines.score.commit import Commit
from pipelines.score.gate_settings import GateSettings
from pipelines.score.gates import Past
from pipelines.score.plan import Plan, PlannedNight
from pipelines.score.sequence import read_all
from pipelines.score.statistics import Statistics
from tests.drawn.night_plans import draw_night, publish_night
from tests.drawn.nights_rows import Night


def test_counts_of_a_committed_night(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 10)
    commit = publish_night(night)
    (piece,) = commit.statistics
    assert piece in commit.attached
    got = statistics.of_night(night)
    assert got == statistics.read(night, piece)
    assert got.photos == 8
    assert got.ratings == {"aesthetics": {110: 8}}
    assert (got.dominant, got.blank, got.segmented) == ({8: 8}, 0, 8)
    files.write_atomically(files.join(night.folder.pieces, piece.name), b"{}")
    with pytest.raises(SystemicFault, match="other statistics than"):
        statistics.of_night(night)


def test_a_night_of_an_earlier_version_is_counted_from_its_table(
    tmp_path: Path,
) -> None:
    night = draw_night(tmp_path, 10)
    commit = publish_night(night)
    expected = statistics.of_night(night)
    old = commit.model_copy(update={"statistics": ()}).identified()
    assert "statistics" not in json.loads(old.encode())
    files.write_atomically(night.folder.commit, old.encode())
    got = statistics.of_night(night)
    assert got == expected.model_copy(update={"stored_bytes": 0})


def test_plans_and_commits_without_gates_keep_their_content(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 3)
    content = json.loads(night.plan.encode())
    assert "gates" not in content
    assert Plan.model_validate(content).is_sound
    commit = publish_night(night)
    assert "accepted" not in json.loads(commit.encode())
    assert Commit.model_validate_json(commit.encode()).is_sound


def test_nights_add_up() -> None:
    rng = np.random.default_rng(5)
    night = Night(photos=300)
    total, tables = statistics.Sum(), [night.rows(rng) for _ in range(3)]
    for table in tables:
        one = statistics.Sum()
        one.add_rows(table, stored_bytes=7)
        total.add(one.total())
    together = statistics.Sum()
    for table in tables:
        together.add_rows(table, stored_bytes=7)
    assert total.total() == together.total()
    got = total.total()
    assert got.photos == sum(got.ratings["technical"].values()) == got.segmented
    assert Statistics.model_validate_json(got.encode()) == got


@pytest.mark.parametrize(("nights", "comparable"), [(2, 0), (3, 3), (5, 4)])
def test_the_last_nights_are_the_reference(
    tmp_path: Path, nights: int, comparable: int
) -> None:
    for number in range(nights):
        publish_night(draw_night(tmp_path, 4, night=f"2026-11-{number + 1:02}"))
    draw_night(tmp_path, 4, night="2026-11-30")  # open: it does not count
    settings, plans = GateSettings(window=4), read_all(str(tmp_path))
    past = Past.find(str(tmp_path), plans, fingerprint="f" * 64, settings=settings)
    assert len(past.comparable) == comparable
    assert len(past.nights) == min(nights, 4)
    got = past.statistics()
    assert (got.photos if got else 0) == comparable * 3
    other = Past.find(str(tmp_path), plans, fingerprint="e" * 64, settings=settings)
    assert other.comparable == []
    pinned = GateSettings(reference="2026-11-02")
    one = Past.find(str(tmp_path), plans, fingerprint="f" * 64, settings=pinned)
    dates = [night.plan.run_date for night in one.comparable]
    assert dates == ["2026-11-02"]
    assert isinstance(one.comparable[0], PlannedNight)
