"""A file or folder is complete or as it was, whatever interrupts its writer."""

import errno
import os
from pathlib import Path

import pytest

from fcn_core import whole_files
from fcn_core.whole_files import UNFINISHED, whole_file, whole_folder


def test_a_file_has_its_name_once_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    path.write_text("old")
    with whole_file(path) as new:
        assert new.name.startswith(UNFINISHED)
        assert new.suffix == ".npz"
        new.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [*tmp_path.iterdir()] == [path]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    with whole_file(path) as first, whole_file(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_leaves_nothing_behind(
    error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")
    with pytest.raises(error), whole_file(path) as new:
        new.write_text("half")
        raise error
    with pytest.raises(error), whole_folder(tmp_path / "bundle") as folder:
        (folder / "half").write_text("half")
        raise error
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("empty", [False, True])
def test_a_folder_has_its_name_once_it_is_complete(empty: bool, tmp_path: Path) -> None:
    path = tmp_path / "models" / "bundle"
    if empty:
        path.mkdir(parents=True)
    with whole_folder(path) as new:
        (new / "card").write_text("card")
        assert not path.exists() or not [*path.iterdir()]
    assert (path / "card").read_text() == "card"
    assert [*path.parent.iterdir()] == [path]


def test_folders_that_cannot_be_synced_are_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As network file systems have them; a file that cannot be synced is one."""

    def not_offered(descriptor: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setattr(os, "fsync", not_offered)
    whole_files.sync(tmp_path)
    with pytest.raises(OSError, match="Invalid argument"):
        whole_files.sync(tmp_path / "file")
