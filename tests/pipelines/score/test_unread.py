"""A night whose input cannot all be read: told everywhere, refused above a share."""

import json
import os
from pathlib import Path

import pytest

from fcn_core.records import tfrecord
from pipelines.score.unread import Aside, Unread, unread_text
from tests.drawn import tiny_models
from tests.runs import score_runs
from tests.runs.score_runs import NIGHT

pytestmark = pytest.mark.usefixtures("warm_lanes")

FLAGS = ("--model", "quality", "--lanes", "1")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    score_runs.add_photos(folder, 2)
    score_runs.add_photos(folder / "closed", 1, first=2)
    score_runs.add_photos(folder / "@eaDir", 1, first=3)
    score_runs.add_photos(folder / "small", 1, first=4)
    return folder


def summary(out: Path) -> dict[str, object]:
    path = out / "report" / f"run_date={NIGHT}" / "summary.json"
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_a_closed_folder_is_named_in_terminal_summary_and_page(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def forbidden(folder: str) -> object:
        if str(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    out = tmp_path / "out"
    monkeypatch.setattr(os, "scandir", forbidden)
    ended = score_runs.score(photos, out, *FLAGS, "--exclude", "small")
    assert ended.code == 0, ended.stderr
    line = f"1 unreadable place: {photos}/closed: permission denied"
    assert line in ended.stdout
    assert f"left out by name: @eaDir 1, small 1, {line}" in ended.stderr
    found = summary(out)
    assert (found["planned"], found["ok"], found["unread"]) == (2, 2, 1)
    assert found["left_out"] == {"@eaDir": 1, "small": 1}
    closed = {"uri": f"{photos}/closed", "why": "permission denied", "photos": 0}
    assert found["unread_places"] == [closed]
    page = (out / "report" / f"run_date={NIGHT}" / "index.html").read_text()
    assert "1 place of the input could not be read" in page
    assert f"{photos}/closed" in page and "permission denied" in page
    assert "@eaDir" in page

    monkeypatch.setattr(os, "scandir", scandir)
    later = score_runs.scored(
        photos, out, *FLAGS, "--exclude", "small", night=score_runs.LATER[0]
    )
    assert (later["ok"], later["skipped"], later["unread"]) == (1, 2, 0)


def test_records_that_are_lost_fail_the_night_above_the_share(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    with path.open("wb") as file:
        for number in range(5):
            example = tfrecord.example_class()()
            photo = tiny_models.draw_photo(64, 71, seed=number)
            feature = example.features.feature["image/encoded"]
            feature.bytes_list.value.append(photo)
            tfrecord.write_frame(file, example.SerializeToString())
    size = path.stat().st_size
    os.truncate(path, size - 100)
    out = tmp_path / "out"
    ended = score_runs.score(path, out, *FLAGS)
    assert ended.code == 3
    assert "about 1 of 5 are lost (20.0%), expected at most 5.0%" in ended.stderr
    assert f"{path}: " in ended.stderr and "are no whole records" in ended.stderr
    assert not list(out.glob("scores/*/*.parquet"))
    found = summary(out)
    assert (found["verdict"], found["planned"], found["ok"]) == ("failed", 4, 4)
    scored = score_runs.scored(path, out, *FLAGS, "--max_error_rate", "0.2")
    assert (scored["verdict"], scored["ok"], scored["unread"]) == ("success", 4, 1)


def test_a_night_in_which_all_failed_says_why(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3):
        (photos / f"{number}.jpg").write_bytes(b"no photo"[: 8 * (number > 0)])
    ended = score_runs.score(photos, tmp_path / "out", *FLAGS)
    assert ended.code == 3
    assert "none of 3 succeeded (not-an-image 2, empty 1)" in ended.stderr


def test_counts_and_words() -> None:
    places = [Unread(uri=f"/in/{n}", why="closed", photos=n) for n in range(5)]
    aside = Aside(unread=places)
    assert (aside.folders, aside.lost) == (1, 10)
    text = unread_text(places, 5)
    assert text == (
        "5 unreadable places: /in/0: closed; /in/1: closed; /in/2: closed; and 2 more"
    )
