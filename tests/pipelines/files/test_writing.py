"""Writing files: whole or not at all, and created once."""

import errno
import multiprocessing
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import files
from pipelines.faults import UsageError

WRITERS = 16

Write = Callable[[str, bytes], object]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def race(count: int, act: Callable[[int], object]) -> list[object]:
    """Returns what `count` threads got that acted at the same moment."""
    barrier = threading.Barrier(count)
    results: list[object] = [None] * count

    def run(number: int) -> None:
        barrier.wait()
        results[number] = act(number)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def check_that_one_creates(tmp_path: Path) -> None:
    """Has many threads create a file, five times."""
    for attempt in range(5):
        uri = files.to_uri(tmp_path / f"new-{attempt}" / "file")

        def create(number: int, uri: str = uri) -> bool:
            return files.create_once(uri, b"%d" % number * 1000)

        won = race(WRITERS, create)
        assert won.count(True) == 1
        assert files.read_bytes(uri) == b"%d" % won.index(True) * 1000
        assert names_in(tmp_path / f"new-{attempt}") == ["file"]


def test_of_many_threads_exactly_one_creates(tmp_path: Path) -> None:
    check_that_one_creates(tmp_path)


def create_in_process(
    uri: str, number: int, ready: "multiprocessing.synchronize.Barrier"
) -> None:
    ready.wait()
    sys.exit(0 if files.create_once(uri, b"%d" % number) else 1)


def test_of_many_processes_exactly_one_creates(tmp_path: Path) -> None:
    uri = files.to_uri(tmp_path / "file")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ready = context.Barrier(WRITERS)
    writers = [
        context.Process(target=create_in_process, args=(uri, number, ready))
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    codes = [writer.exitcode for writer in writers]
    assert sorted(codes, key=str) == [0] + [1] * (WRITERS - 1)
    assert files.read_bytes(uri) == b"%d" % codes.index(0)
    assert names_in(tmp_path) == ["file"]


def test_the_second_changes_nothing(tmp_path: Path) -> None:
    uri = files.to_uri(tmp_path / "file")
    assert files.create_once(uri, b"first")
    assert not files.create_once(uri, b"second")
    assert files.read_bytes(uri) == b"first"


def test_writing_replaces_whole(tmp_path: Path) -> None:
    uri = files.to_uri(tmp_path / "deep" / "file")
    files.write_atomically(uri, b"a" * 100)
    files.write_atomically(uri, b"b")
    assert files.read_bytes(uri) == b"b"
    assert names_in(tmp_path / "deep") == ["file"]


def test_a_reader_beside_writers_sees_whole_files_only(tmp_path: Path) -> None:
    uri = files.to_uri(tmp_path / "file")
    wholes = {bytes([65 + n]) * 200_000 for n in range(4)}
    files.write_atomically(uri, min(wholes))
    seen = []

    def act(number: int) -> None:
        for _ in range(10):
            if number:
                files.write_atomically(uri, sorted(wholes)[number - 1])
            else:
                seen.append(files.read_bytes(uri))

    race(5, act)
    assert set(seen) <= wholes


@pytest.mark.parametrize("write", [files.create_once, files.write_atomically])
def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(OSError, match="No space left"):
        write(files.to_uri(tmp_path / "file"), b"data")
    assert names_in(tmp_path) == []


def test_an_output_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(UsageError, match="--output"):
        files.check_writable(files.to_uri(tmp_path / "out"))


def test_checking_an_output_leaves_an_empty_folder(tmp_path: Path) -> None:
    files.check_writable(files.to_uri(tmp_path / "a" / "b"))
    assert names_in(tmp_path / "a" / "b") == []


def test_room_is_that_of_the_disk_also_of_a_folder_to_come(tmp_path: Path) -> None:
    free = files.free_bytes(files.to_uri(tmp_path / "not" / "there"))
    assert free is not None
    assert abs(free - shutil.disk_usage(tmp_path).free) < 1 << 30
