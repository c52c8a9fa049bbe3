"""A committed table comes back to the same bytes, or a fault says what is needed."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.score import merging, parts, publish
from pipelines.score.commit import Commit
from pipelines.score.plan import PlannedNight
from tests.drawn.night_plans import draw_night, plan_night, publish_night, write_part
from tests.runs.trees import everything


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of seven rows a file, in groups of at most five."""
    monkeypatch.setattr(merging, "ROWS_PER_FILE", 7)
    monkeypatch.setattr(merging, "_ROWS_PER_GROUP", 5)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = [_cut, _empty, Path.unlink]


def _tables(night: PlannedNight) -> list[Path]:
    return sorted(files.to_path(night.folder.scores).glob("*.parquet"))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_table_that_is_not_whole_is_not_shown(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    night = draw_night(tmp_path, 23)
    commit = publish_night(night)
    assert publish.is_shown(night, commit)
    damage(_tables(night)[2])
    assert not publish.is_shown(night, commit)
    publish_night(night)
    files.remove(night.folder.success)
    assert not publish.is_shown(night, commit)


@pytest.mark.parametrize("damage", [*DAMAGES, _flip])
@pytest.mark.parametrize("which", [slice(1), slice(2, 3), slice(None)])
def test_damaged_files_are_replaced_by_the_same_bytes(
    tmp_path: Path, damage: Callable[[Path], None], which: slice
) -> None:
    night = draw_night(tmp_path, 23)
    commit = publish_night(night)
    publish.sweep(night)
    before = everything(tmp_path)
    for path in _tables(night)[which]:
        damage(path)
    assert publish_night(night) == commit
    publish.sweep(night)
    assert everything(tmp_path) == before


class Killed(BaseException):
    """The process ends here: nothing after this line happens."""


def _commit_only(night: PlannedNight, monkeypatch: pytest.MonkeyPatch) -> Commit:
    """Commits a night in a process that is killed before anything is shown."""

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(publish, "show", killed)
        publish_night(night)
    commit = night.commit()
    assert commit is not None
    return commit


def _upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the same rows written as other bytes from here on."""
    monkeypatch.setattr(merging, "WRITER", "pyarrow 99.1.0")
    monkeypatch.setattr(merging, "_ROWS_PER_GROUP", 2)


def test_what_was_merged_before_an_upgrade_is_shown_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = draw_night(tmp_path / "whole", 23)
    publish_night(whole)
    publish.sweep(whole)
    night = draw_night(tmp_path / "out", 23)
    commit = _commit_only(night, monkeypatch)
    merged = sorted(files.list_names(night.folder.merged))
    assert merged == [file.name for file in commit.files]
    assert not night.folder.is_shown()
    _upgrade(monkeypatch)
    assert publish_night(night) == commit
    publish.sweep(night)
    assert everything(tmp_path / "out") == everything(tmp_path / "whole")


def test_what_was_merged_half_moved_before_an_upgrade_is_shown_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = draw_night(tmp_path, 23)
    commit = _commit_only(night, monkeypatch)
    for file in commit.files[:2]:
        target = files.join(night.folder.scores, file.name)
        files.move(files.join(night.folder.merged, file.name), target)
    _upgrade(monkeypatch)
    assert publish_night(night) == commit
    assert publish.is_shown(night, commit)


def test_a_table_that_another_version_cannot_make_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = draw_night(tmp_path, 23)
    commit = publish_night(night)
    assert commit.writer == f"pyarrow {pa.__version__}"
    publish.sweep(night)
    files.remove_folder(night.folder.scores)
    with monkeypatch.context() as patch:
        _upgrade(patch)
        with pytest.raises(SystemicFault, match="not the one that was comm") as caught:
            publish_night(night)
        line = str(caught.value)
        assert f"written by {commit.writer}, " in line
        assert "pyarrow 99.1.0" in line
        assert "\n" not in line
        assert not night.folder.is_shown()
    publish_night(night)
    assert publish.is_shown(night, commit)


def test_a_table_is_never_shown_from_parts_that_are_damaged(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 23)
    total = parts.add_up(night)
    publish_night(night)
    files.remove_folder(night.folder.scores)
    files.remove(night.parts.uri(3))
    with pytest.raises(SystemicFault, match=r"chunk-00000003.*run fcn check .* --mend"):
        publish.publish(night, total)
    assert not night.folder.is_shown()


@pytest.mark.parametrize("durable", [True, False])
def test_scratch_nights_are_never_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    night = plan_night(tmp_path, 23)
    scratch = PlannedNight(night.out, night.plan, durable=durable)
    calls, sync = [], os.fsync

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    for chunk in range(scratch.plan.chunks):
        assert write_part(scratch, chunk)
    publish_night(scratch)
    assert bool(calls) is durable
