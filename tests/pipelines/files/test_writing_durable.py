"""What is on the disk, and when: the bytes before the name, the name before the end."""

import ctypes
import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines import files
from pipelines.files import local_writing as writing

Call = tuple[str, ...]

WRITERS: list[Callable[..., object]] = [files.create_once, files.write_atomically]


def _open_file(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The calls of the system so far: what was done to which files below `tmp_path`."""
    made: list[Call] = []

    def short(path: str | Path) -> str:
        name = os.path.relpath(path, tmp_path)
        return re.sub(r"\.[^/]+\.[0-9a-f]{16}\.tmp$", "TEMPORARY", name)

    def noted(name: str, *, paths: int) -> None:
        act = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            made.append((name, *map(short, arguments[:paths])))
            return act(*arguments, **options)

        monkeypatch.setattr(os, name, call)

    sync = os.fsync

    def fsync(descriptor: int) -> None:
        made.append(("fsync", short(_open_file(descriptor))))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    for name, paths in (("mkdir", 1), ("link", 2), ("replace", 2)):
        noted(name, paths=paths)
    return made


NAMING: dict[Callable[..., object], str] = {
    files.create_once: "link",
    files.write_atomically: "replace",
}


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, calls: list[Call], write: Callable[..., object]
) -> None:
    write(files.to_uri(tmp_path / "file"), b"data")
    assert calls == [
        ("fsync", "TEMPORARY"),
        (NAMING[write], "TEMPORARY", "file"),
        ("fsync", "."),
    ]


@pytest.mark.parametrize("write", WRITERS)
def test_new_folders_are_on_the_disk_before_what_is_in_them(
    tmp_path: Path, calls: list[Call], write: Callable[..., object]
) -> None:
    write(files.to_uri(tmp_path / "new" / "deep" / "file"), b"data")
    assert calls == [
        ("mkdir", "new"),
        ("fsync", "."),
        ("mkdir", "new/deep"),
        ("fsync", "new"),
        ("fsync", "new/deep/TEMPORARY"),
        (NAMING[write], "new/deep/TEMPORARY", "new/deep/file"),
        ("fsync", "new/deep"),
    ]


def test_who_comes_second_waits_for_the_name_too(
    tmp_path: Path, calls: list[Call]
) -> None:
    (tmp_path / "file").write_bytes(b"first")
    assert not files.create_once(files.to_uri(tmp_path / "file"), b"second")
    assert calls[-2:] == [("link", "TEMPORARY", "file"), ("fsync", ".")]


def test_a_moved_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, calls: list[Call]
) -> None:
    (tmp_path / "merged").write_bytes(b"table")
    uri, target = (files.to_uri(tmp_path / name) for name in ("merged", "new/table"))
    files.move(uri, target)
    assert calls == [
        ("mkdir", "new"),
        ("fsync", "."),
        ("fsync", "merged"),
        ("replace", "merged", "new/table"),
        ("fsync", "new"),
    ]


def test_a_folder_is_made_and_synced_once(tmp_path: Path, calls: list[Call]) -> None:
    for _ in range(2):
        files.make_folder(files.to_uri(tmp_path / "a" / "b"))
    assert calls == [("mkdir", "a"), ("fsync", "."), ("mkdir", "a/b"), ("fsync", "a")]


def test_scratch_is_never_synced(tmp_path: Path, calls: list[Call]) -> None:
    uri = files.to_uri(tmp_path / "new" / "file")
    for write in WRITERS:
        write(uri, b"data", durable=False)
    files.make_folder(files.to_uri(tmp_path / "a" / "b"), durable=False)
    files.move(uri, files.to_uri(tmp_path / "other" / "file"), durable=False)
    assert {name for name, *_ in calls} == {"mkdir", "link", "replace"}


def test_a_store_is_synced_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = writing._syncfs

    def syncfs(descriptor: int) -> int:
        synced.append(str(_open_file(descriptor)))
        return sync(descriptor)

    monkeypatch.setattr(writing, "_syncfs", syncfs)
    files.sync_store(files.to_uri(tmp_path))
    assert synced == [str(tmp_path)]
    with pytest.raises(FileNotFoundError):
        files.sync_store(files.to_uri(tmp_path / "gone"))


def test_a_store_that_cannot_be_synced_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> int:
        ctypes.set_errno(errno.EIO)
        return -1

    monkeypatch.setattr(writing, "_syncfs", broken)
    with pytest.raises(OSError, match="Input/output error") as caught:
        files.sync_store(files.to_uri(tmp_path))
    assert (caught.value.errno, str(caught.value.filename)) == (
        errno.EIO,
        str(tmp_path),
    )


def test_without_syncfs_everything_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(writing.ctypes, "CDLL", lambda *_, **__: object())
    monkeypatch.setattr(os, "sync", lambda: synced.append("all"))
    files.sync_store(files.to_uri(tmp_path))
    assert synced == ["all"]


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., object]
) -> None:
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="No space left") as caught:
        write(files.to_uri(tmp_path / "file"), b"data")
    assert caught.value.filename == str(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_names_the_file_that_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "merged").write_bytes(b"table")
    monkeypatch.setattr(os, "fsync", _full)
    uri, target = (files.to_uri(tmp_path / name) for name in ("merged", "table"))
    with pytest.raises(OSError, match="No space left") as caught:
        files.move(uri, target)
    assert caught.value.filename == str(tmp_path / "merged")
    assert [path.name for path in tmp_path.iterdir()] == ["merged"]


def test_an_error_that_names_a_file_keeps_its_name() -> None:
    first = FileNotFoundError(errno.ENOENT, "gone", "/first")
    with pytest.raises(FileNotFoundError) as caught, files.named("/second"):
        raise first
    assert caught.value.filename == "/first"
