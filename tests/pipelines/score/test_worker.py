"""Failed photos: retried, replayed, counted against the threshold, given up."""

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pytest

from tests.drawn import tiny_models
from tests.runs import score_runs
from tests.runs.score_runs import LATER, NIGHT
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    score_runs.add_photos(folder, 4)
    return folder


def _ok_rows(out: Path) -> Counter[tuple[Any, ...]]:
    """Counts the ok rows of each (photo, version, fingerprint), as a reader sees it."""
    frame = pandas.read_parquet(out / "scores")
    ok = frame[frame["status"] == "ok"]
    return Counter(zip(ok["image_uri"], ok["version"], ok["fingerprint"], strict=True))


@pytest.mark.slow
def test_what_may_pass_is_tried_three_more_nights_and_what_may_not_is_not(
    photos: Path, tmp_path: Path
) -> None:
    # A link to itself cannot be read, and its version is the same every night.
    (photos / "loop.jpg").symlink_to("loop.jpg")
    (photos / "words.jpg").write_text("these are words, not a photo")
    out = tmp_path / "out"
    score_runs.scored(photos, out)
    first = score_runs.statuses(score_runs.table(out))
    assert first["loop.jpg"] == "io-error"
    assert first["words.jpg"] == "not-an-image"
    # One failure among 200 photos or fewer is none too many, but "all failed" is.
    for night in LATER[:3]:
        summary = score_runs.scored(photos, out, "--max_error_rate=1", night=night)
        assert (summary["planned"], summary["skipped"]) == (1, 5)
        rows = score_runs.statuses(score_runs.table(out, night))
        assert rows == {"loop.jpg": "io-error"}
    summary = score_runs.scored(photos, out, night=LATER[3])
    assert (summary["planned"], summary["skipped"]) == (0, 6)
    assert score_runs.table(out, LATER[3]) == []


def test_a_failure_that_passes_gets_its_one_row(photos: Path, tmp_path: Path) -> None:
    out, photo = tmp_path / "out", photos / "photo-002.jpg"
    data, times = photo.read_bytes(), photo.stat()
    score_runs.leave_open(photos, out)
    score_runs.rewrite(photo, tiny_models.draw_photo(seed=99))
    score_runs.scored(photos, out)
    statuses = score_runs.statuses(score_runs.table(out))
    assert statuses.pop("photo-002.jpg") == "changed-while-reading"
    assert set(statuses.values()) == {"ok"}
    photo.write_bytes(data)
    os.utime(photo, ns=(times.st_atime_ns, times.st_mtime_ns))
    summary = score_runs.scored(photos, out, night=LATER[0])
    assert (summary["planned"], summary["ok"], summary["skipped"]) == (1, 1, 3)
    (row,) = score_runs.table(out, LATER[0])
    assert row["image_uri"] == os.fspath(photo)
    assert row["version"] == f"{len(data)}-{times.st_mtime_ns}"
    assert score_runs.scored(photos, out, night=LATER[1])["planned"] == 0
    assert set(_ok_rows(out).values()) == {1}
    assert len(_ok_rows(out)) == 4


def _spoil(photos: Path) -> None:
    (photos / "words.jpg").write_text("these are words, not a photo")
    (photos / "cut.jpg").write_bytes(tiny_models.draw_photo(seed=90)[:-300])


def _replay(out: Path) -> dict[str, Any]:
    ended = score_runs.fcn("replay", out, "--json", "--max_error_rate=1")
    assert ended.code == 0, ended.stderr
    return json.loads(ended.stdout)


def test_the_table_over_two_nights_with_a_replay_between_them(
    photos: Path, tmp_path: Path
) -> None:
    _spoil(photos)
    out = tmp_path / "out"
    score_runs.scored(photos, out)
    before = everything(out)
    score_runs.rewrite(photos / "cut.jpg", tiny_models.draw_photo(seed=90))
    replay = _replay(out)
    assert replay["run_date"] == f"{NIGHT}.replay-1"
    assert (replay["planned"], replay["ok"], replay["failed"]) == (2, 1, 1)
    score_runs.add_photos(photos, 1, first=4)
    summary = score_runs.scored(photos, out, night=LATER[0])
    assert (summary["planned"], summary["skipped"]) == (1, 6)
    after = everything(out)
    assert {name: after[name] for name in before} == before
    frame = pandas.read_parquet(out / "scores")
    assert Counter(frame["run_date"]) == {NIGHT: 6 + 2, LATER[0]: 1}
    query = f"""
        select typeof(run_date), count(*)
        from read_parquet('{out}/scores/*/*.parquet', hive_partitioning = true)
        group by all
    """
    assert duckdb.execute(query).fetchall() == [("DATE", 9)]
    assert set(_ok_rows(out).values()) == {1}
    frame["run_date"] = frame["run_date"].astype(str)  # dates sort as text
    # A replay holds what failed before: in one night an ok row is the later one.
    latest = frame.sort_values(["run_date", "status"]).drop_duplicates(
        "image_uri", keep="last"
    )
    failed = latest[latest["status"] == "failed"]["image_uri"]
    assert [Path(uri).name for uri in failed] == ["words.jpg"]
    assert len(latest) == 7


def _scored_before_one_was_mended(photos: Path, folder: Path) -> Path:
    """Scores a night with two broken photos, then mends one; returns the output."""
    _spoil(photos)
    score_runs.scored(photos, folder / "out")
    score_runs.rewrite(photos / "cut.jpg", tiny_models.draw_photo(seed=90))
    return folder / "out"


def test_replays_go_on_until_nothing_is_failed(photos: Path, tmp_path: Path) -> None:
    out = _scored_before_one_was_mended(photos, tmp_path)
    _replay(out)
    score_runs.rewrite(photos / "words.jpg", tiny_models.draw_photo(seed=91))
    replay = _replay(out)
    assert replay["run_date"] == f"{NIGHT}.replay-2"
    assert (replay["planned"], replay["ok"]) == (1, 1)
    before = everything(out)
    nothing = score_runs.fcn("replay", out)
    assert nothing.code == 2
    assert "got no failed photo" in nothing.stderr
    assert everything(out) == before
    assert score_runs.scored(photos, out, night=LATER[0])["planned"] == 0


def test_a_replay_leaves_to_an_open_night_what_it_holds(
    photos: Path, tmp_path: Path
) -> None:
    out = _scored_before_one_was_mended(photos, tmp_path)
    opened = score_runs.leave_open(photos, out, night=LATER[0])
    assert opened.plan.planned == 1, "the mended photo in its new version"
    replay = _replay(out)
    assert (replay["planned"], replay["failures"]) == (1, {"not-an-image": 1})
    score_runs.scored(photos, out, night=LATER[0])
    assert set(_ok_rows(out).values()) == {1}
    assert len(_ok_rows(out)) == 5


@pytest.mark.slow
def test_an_interrupted_replay_goes_on_under_its_name(
    photos: Path, tmp_path: Path
) -> None:
    _spoil(photos)
    out = tmp_path / "out"
    score_runs.scored(photos, out)
    ended = score_runs.fcn("replay", out)
    assert ended.code == 3, "none of 2 succeeded"
    score_runs.rewrite(photos / "cut.jpg", tiny_models.draw_photo(seed=90))
    replay = _replay(out)
    assert replay["run_date"] == f"{NIGHT}.replay-1"
    assert (replay["planned"], replay["computed"]) == (2, 0)


def test_a_discarded_night_frees_its_photos(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    score_runs.leave_open(photos, out, "--chunk_size=1", chunks=2)
    assert len(score_runs.masks(out)) == 2
    ended = score_runs.fcn("discard", out, "--run_date", NIGHT)
    assert ended.code == 0
    assert "4 photos are free again" in ended.stdout
    assert score_runs.masks(out) == set()
    assert score_runs.part_count(out) == 0
    summary = score_runs.scored(photos, out, night=LATER[0])
    assert (summary["planned"], summary["computed"], summary["skipped"]) == (4, 4, 0)
    # The night itself may be planned anew, with other settings too.
    again = score_runs.scored(photos, out, "--chunk_size=3")
    assert (again["planned"], again["skipped"]) == (0, 4)
    assert set(_ok_rows(out).values()) == {1}


def test_a_committed_night_is_not_discarded(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    score_runs.scored(photos, out)
    before = everything(out)
    ended = score_runs.fcn("discard", out, "--run_date", NIGHT)
    assert ended.code == 2
    assert "a committed one stays" in ended.stderr
    assert everything(out) == before


def _many_photos(folder: Path, *, good: int, bad: int) -> None:
    folder.mkdir()
    photo = tiny_models.draw_photo(20, 20, kind="PNG")
    for number in range(good):
        (folder / f"good-{number:03}.png").write_bytes(photo)
    for number in range(bad):
        (folder / f"bad-{number:03}.png").write_bytes(photo[:100])


@pytest.mark.parametrize(
    ("good", "bad", "higher", "why"),
    [
        (0, 3, "1", "none of 3 succeeded"),
        (190, 11, "0.06", "11 of 201 failed (5.5%), expected at most 5.0%"),
    ],
)
def test_above_the_threshold_nothing_is_published_until_it_is_raised(
    tmp_path: Path, good: int, bad: int, higher: str, why: str
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    _many_photos(photos, good=good, bad=bad)
    flags = ["--model", "voc21", "--chunk_size=32"]
    ended = score_runs.score(photos, out, *flags)
    assert ended.code == 3
    assert why in ended.stderr.splitlines()[-1]
    assert "--max_error_rate" in ended.stderr.splitlines()[-1]
    folder = score_runs.plan_folder(out)
    assert Path(folder.refusal).exists()
    assert not Path(folder.commit).exists()
    assert not (out / "scores").exists()
    (night,) = json.loads(score_runs.fcn("status", out, "--json").stdout)
    assert (night["state"], night["ok"], night["failed"]) == ("failed", good, bad)
    parts = score_runs.part_rows(out)
    assert score_runs.score(photos, out, *flags).code == 3, "again, and no other end"
    summary = score_runs.scored(photos, out, *flags, f"--max_error_rate={higher}")
    assert (summary["computed"], summary["ok"], summary["failed"]) == (0, good, bad)
    assert score_runs.table(out) == parts
    assert not Path(folder.refusal).exists()


def test_at_the_threshold_it_is_published(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    _many_photos(photos, good=190, bad=10)
    summary = score_runs.scored(photos, out, "--model", "voc21", "--chunk_size=64")
    assert (summary["ok"], summary["failed"]) == (190, 10)
    assert summary["failures"] == {"corrupt": 10}
    assert len(score_runs.table(out)) == 200


def test_a_replay_that_is_committed_but_not_shown_goes_on(
    photos: Path, tmp_path: Path
) -> None:
    """As if it was killed between its commit and its table."""
    out = _scored_before_one_was_mended(photos, tmp_path)
    replay = _replay(out)
    before = everything(out)
    shutil.rmtree(out / "report" / f"run_date={replay['run_date']}")
    shown = list((out / "scores" / f"run_date={NIGHT}").glob("*-replay-1*"))
    assert len(shown) == 2, "a table and a mark"
    for path in shown:
        path.unlink()
    assert _replay(out)["run_date"] == replay["run_date"]
    after = everything(out)
    assert set(after) == set(before)
    scores = [name for name in before if name.startswith("scores/")]
    assert {name: after[name] for name in scores} == {n: before[n] for n in scores}
