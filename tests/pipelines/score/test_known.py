"""Photos known by their content: moved and touched ones are not scored again."""

import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.score import inputs
from tests.drawn import tiny_models
from tests.runs import score_runs
from tests.runs.score_runs import LATER
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")

FLAGS = ("--model", "quality", "--lanes", "1", "--known_by", "content")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the photos that are read, in the order of reading."""
    seen = list[str]()
    read = inputs.read

    def counted(item: Any, *, root: str | None) -> bytes:
        seen.append(Path(item["image_uri"]).name)
        return read(item, root=root)

    monkeypatch.setattr(inputs, "read", counted)
    return seen


def test_what_was_moved_or_touched_is_read_once_and_not_scored_again(
    tmp_path: Path, reads: list[str]
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    score_runs.add_photos(photos, 4)
    (photos / "broken.jpg").write_bytes(b"no photo")
    first = score_runs.scored(photos, out, *FLAGS)
    assert (first["ok"], first["failed"], len(reads)) == (4, 1, 5)
    assert not (out / "_runs" / "known").exists()
    tables = {n: d for n, d in everything(out).items() if n.startswith("scores")}

    moved = tmp_path / "moved"
    photos.rename(moved)
    score_runs.add_photos(moved, 1, first=4)
    os.utime(moved / "photo-000.jpg", ns=(1, 1))
    reads.clear()
    second = score_runs.scored(moved, out, *FLAGS, night=LATER[0])
    names = [f"photo-{number:03}.jpg" for number in range(5)]
    assert (second["planned"], second["ok"], second["skipped"]) == (2, 1, 4)
    assert sorted(reads) == sorted([*names, "broken.jpg", names[4], "broken.jpg"])
    after = everything(out)
    assert {name: after[name] for name in tables} == tables

    reads.clear()
    ended = score_runs.score(moved, out, *FLAGS, night=LATER[0])
    assert ended.code == 0 and "wait" not in ended.stderr
    third = score_runs.scored(moved, out, *FLAGS, night=LATER[1])
    assert (third["planned"], third["skipped"], reads) == (0, 6, [])
    checked = score_runs.fcn("check", out)
    assert checked.code == 0, checked.stdout

    for note in (out / "_runs" / "known").rglob("*.keys"):
        note.write_bytes(b"x" * 16)
    fourth = score_runs.scored(moved, out, *FLAGS, night=LATER[2])
    assert (fourth["planned"], fourth["skipped"], sorted(reads)) == (0, 6, names[:4])


def test_changed_content_is_scored_and_the_limit_counts_what_is_left(
    tmp_path: Path,
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    score_runs.add_photos(photos, 3)
    score_runs.scored(photos, out, *FLAGS)
    photos.rename(tmp_path / "moved")
    changed = tmp_path / "moved" / "photo-002.jpg"
    score_runs.rewrite(changed, tiny_models.draw_photo(seed=77))
    limit = (*FLAGS, "--limit", "1")
    later = score_runs.scored(tmp_path / "moved", out, *limit, night=LATER[0])
    assert (later["ok"], later["skipped"], later["waiting"]) == (1, 2, 0)


def test_without_the_flag_what_was_moved_is_scored_again(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    score_runs.add_photos(photos, 2)
    score_runs.scored(photos, out, *FLAGS[:4])
    photos.rename(tmp_path / "moved")
    later = score_runs.scored(tmp_path / "moved", out, *FLAGS[:4], night=LATER[0])
    assert (later["ok"], later["skipped"]) == (2, 0)
