"""Many attempts at one night, dead or alive: the first one to commit is the night."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas
import pytest

from tests.drawn import tiny_models
from tests.runs import score_runs
from tests.runs.score_runs import LATER, NIGHT, Attempt, Undisturbed
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")

PHOTOS = 60
CHUNK = 20
FLAGS = (f"--chunk_size={CHUNK}", "--lanes=2", "--model", "voc21")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed.score(tmp_path_factory.mktemp("zombie"), PHOTOS, *FLAGS)


@contextmanager
def _paused(photos: Path, out: Path, log: Path, *more: str) -> Iterator[Attempt]:
    """Starts a night in a process of its own and stops it in its second chunk."""
    words = score_runs.words(photos, out, *FLAGS, *more)
    with score_runs.attempt(words, log) as zombie:
        zombie.wait_until(lambda: score_runs.part_count(out) >= 1)
        zombie.process.send_signal(signal.SIGSTOP)
        assert score_runs.part_count(out) < PHOTOS // CHUNK, "stopped too late"
        yield zombie


@pytest.mark.parametrize("layout", ["png", pytest.param("tar", marks=pytest.mark.slow)])
def test_a_zombie_that_wakes_after_the_commit_changes_nothing(
    undisturbed: Undisturbed, tmp_path: Path, layout: str
) -> None:
    out, masks = tmp_path / "out", f"--masks={layout}"
    with _paused(undisturbed.photos, out, tmp_path / "log", masks) as zombie:
        summary = score_runs.scored(undisturbed.photos, out, *FLAGS, masks)
        assert summary["computed"] < PHOTOS, "the parts of the paused attempt count"
        before = everything(out)
        zombie.process.send_signal(signal.SIGCONT)
        assert zombie.wait() == 0, zombie.log.read_text()
    assert everything(out) == before
    if layout == "png":
        expected = score_runs.results_tree(undisturbed.out)
        assert score_runs.results_tree(out) == expected


def test_two_launches_at_once_make_one_night(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = score_runs.words(undisturbed.photos, out, *FLAGS, "--json")
    with (
        score_runs.attempt(words, tmp_path / "log-1") as one,
        score_runs.attempt(words, tmp_path / "log-2") as two,
    ):
        codes = [one.wait(), two.wait()]
    assert codes == [0, 0], one.log.read_text() + two.log.read_text()
    assert score_runs.results_tree(out) == score_runs.results_tree(undisturbed.out)
    summaries = [json.loads(attempt.log.read_text()) for attempt in (one, two)]
    assert [summary["ok"] for summary in summaries] == [PHOTOS, PHOTOS]


def _copied(photos: Path, folder: Path) -> Path:
    shutil.copytree(photos, folder)
    return folder


def test_a_photo_replaced_between_attempts_is_scored_under_no_other_name(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    photos, out = _copied(undisturbed.photos, tmp_path / "photos"), tmp_path / "out"
    score_runs.leave_open(photos, out, *FLAGS, chunks=1)
    committed = score_runs.by_name(score_runs.part_rows(out))
    before = everything(out)
    safe, open_ = "photo-003.jpg", "photo-033.jpg"
    assert safe in committed
    assert open_ not in committed
    for name in (safe, open_):
        score_runs.rewrite(photos / name, tiny_models.draw_photo(seed=200))
    score_runs.scored(photos, out, *FLAGS)
    after = everything(out)
    assert {name: after[name] for name in before} == before
    rows = score_runs.by_name(score_runs.table(out))
    assert {name: rows[name] for name in committed} == committed
    assert rows[open_]["error_reason"] == "changed-while-reading"
    assert rows[open_]["mask_path"] is None
    assert not any("photo_033" in path for path in score_runs.masks(out))
    others = [row["status"] for name, row in rows.items() if name != open_]
    assert others == ["ok"] * (PHOTOS - 1)
    summary = score_runs.scored(photos, out, *FLAGS, night=LATER[0])
    assert (summary["planned"], summary["ok"]) == (2, 2)
    frame = pandas.read_parquet(out / "scores")
    ok = frame[frame["status"] == "ok"]
    assert not ok.duplicated(["image_uri", "version", "fingerprint"]).any()


def test_a_zombie_with_the_old_photo_in_hand_changes_no_row(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    photos, out = _copied(undisturbed.photos, tmp_path / "photos"), tmp_path / "out"
    with _paused(photos, out, tmp_path / "log") as zombie:
        for number in range(CHUNK, PHOTOS):
            photo = photos / f"photo-{number:03}.jpg"
            score_runs.rewrite(photo, tiny_models.draw_photo(seed=300 + number))
        score_runs.scored(photos, out, *FLAGS)
        before = everything(out)
        zombie.process.send_signal(signal.SIGCONT)
        assert zombie.wait() == 0, zombie.log.read_text()
    after = everything(out)
    assert {name: after[name] for name in before} == before
    # What the zombie still had in hand may lie beside; no row has it as its mask.
    assert all(name.startswith("masks/") for name in after.keys() - before.keys())
    rows = score_runs.table(out)
    reasons = {row["error_reason"] for row in rows}
    assert reasons == {None, "changed-while-reading"}
    named = {row["mask_path"] for row in rows if row["mask_path"]}
    assert named <= score_runs.masks(out)


@pytest.mark.slow
@pytest.mark.parametrize("night", [NIGHT, LATER[0]], ids=["same", "next"])
def test_a_zombie_of_a_discarded_night_changes_nothing(
    undisturbed: Undisturbed, tmp_path: Path, night: str
) -> None:
    """Its photos are scored again with other settings, also under the same date."""
    out, other = tmp_path / "out", "--max_side=64"
    with _paused(undisturbed.photos, out, tmp_path / "log") as zombie:
        assert score_runs.fcn("discard", out, "--run_date", NIGHT).code == 0
        score_runs.scored(undisturbed.photos, out, *FLAGS, other, night=night)
        before = everything(out)
        zombie.process.send_signal(signal.SIGCONT)
        assert zombie.wait() == 1
        message = zombie.log.read_text().splitlines()[-1]
    assert message.startswith(f"fcn: run_date={NIGHT}: got a plan that was discarded")
    assert everything(out) == before
    assert [path.name for path in out.glob("scores/*")] == [f"run_date={night}"]
    frame = pandas.read_parquet(out / "scores")
    assert len(frame) == PHOTOS
    assert not frame.duplicated(["image_uri", "version", "fingerprint"]).any()


@pytest.mark.parametrize(
    "foreign", [pytest.param("another plan", marks=pytest.mark.slow), "other items"]
)
def test_a_part_that_is_not_this_chunks_is_a_loud_fault(
    tmp_path: Path, foreign: str
) -> None:
    photos, out, other = (tmp_path / name for name in ("photos", "out", "other"))
    score_runs.add_photos(photos, 3)
    flags = ("--chunk_size=2", "--model", "voc21")
    score_runs.leave_open(photos, out, *flags)
    folder = score_runs.plan_folder(out)
    parts = Path(folder.parts)
    source = "chunk-00000001.parquet"
    if foreign == "another plan":
        score_runs.add_photos(photos, 1, first=3)
        source = "chunk-00000000.parquet"
    score_runs.scored(photos, other, *flags)
    foreign_part = Path(score_runs.plan_folder(other).parts) / source
    shutil.copy(foreign_part, parts / "chunk-00000000.parquet")
    ended = score_runs.score(photos, out, *flags, "--json")
    assert (ended.code, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(
        f"fcn: {os.fspath(parts)}/chunk-00000000.parquet: got a part"
    )
    assert foreign in line
    assert not (out / "scores").exists()
    assert not Path(folder.commit).exists()
    (parts / "chunk-00000000.parquet").unlink()
    assert score_runs.scored(photos, out, *flags)["ok"] == 3
