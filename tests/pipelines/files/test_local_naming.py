"""Created once where file systems have no hard links: exFAT, SMB, mounted buckets."""

import errno
import fcntl
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.files import local_naming
from tests.faults import shim
from tests.pipelines.files.test_writing import check_that_one_creates, names_in

ROOT = Path(__file__).resolve().parents[3]
WITHOUT = {"without links": 1, "with locks only": 2}
"""How many of the ways a file system lacks."""


def _no(code: int) -> Callable[..., None]:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.fixture(params=[*WITHOUT.values()], ids=[*WITHOUT])
def lacking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(local_naming, "WAYS", local_naming.WAYS[request.param :])
    return request.param


def test_a_free_name_is_given_and_a_taken_one_kept(
    tmp_path: Path, lacking: int
) -> None:
    uri = files.to_uri(tmp_path / "f\xfcr \udcff" / "file")
    assert files.create_once(uri, b"first")
    assert not files.create_once(uri, b"second")
    assert files.read_bytes(uri) == b"first"
    assert names_in(tmp_path / "f\xfcr \udcff") == ["file"]


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP])
def test_what_has_no_links_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "link", _no(code))
    uri = files.to_uri(tmp_path / "file")
    assert files.create_once(uri, b"first")
    assert not files.create_once(uri, b"second")
    assert files.read_bytes(uri) == b"first"


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_other_errors_are_no_reason_to_try_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "link", _no(code))
    with pytest.raises(OSError, match=os.strerror(code)):
        files.create_once(files.to_uri(tmp_path / "file"), b"data")
    assert names_in(tmp_path) == []


def test_a_file_system_that_lacks_everything_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_naming, "WAYS", local_naming.WAYS[2:])
    monkeypatch.setattr(fcntl, "flock", _no(errno.ENOLCK))
    with pytest.raises(
        SystemicFault, match=r"without hard links, .*; write to another"
    ):
        files.create_once(files.to_uri(tmp_path / "file"), b"data")
    assert names_in(tmp_path) == []


def test_a_lock_that_is_kept_is_waited_for_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_naming, "WAYS", local_naming.WAYS[2:])
    uri, folder = files.to_uri(tmp_path / "file"), os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    threading.Timer(0.3, os.close, [folder]).start()
    started = time.monotonic()
    assert files.create_once(uri, b"data")
    assert time.monotonic() - started > 0.2
    monkeypatch.setattr(local_naming, "_LOCK_SECONDS", 0.1)
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(SystemicFault, match="a lock that another process keeps"):
        files.create_once(uri, b"data")
    os.close(folder)


def test_of_many_threads_exactly_one_creates(tmp_path: Path, lacking: int) -> None:
    check_that_one_creates(tmp_path)


def create_many(folder: Path, number: int, lacking: int, ready: Any) -> None:
    local_naming.WAYS = local_naming.WAYS[lacking:]
    ready.wait()
    for name in range(20):
        uri = files.to_uri(folder / f"{name}")
        if files.create_once(uri, b"%d " % number * 10_000, durable=False):
            (folder / f"{name}.won-by-{number}").touch()


def test_of_many_processes_exactly_one_creates(tmp_path: Path, lacking: int) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ready = context.Barrier(6)
    writers = [
        context.Process(target=create_many, args=(tmp_path, number, lacking, ready))
        for number in range(6)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    for name in range(20):
        (won,) = tmp_path.glob(f"{name}.won-by-*")
        number = won.name.rpartition("-")[2].encode()
        assert (tmp_path / f"{name}").read_bytes() == (number + b" ") * 10_000
    assert len(names_in(tmp_path)) == 40


PROGRAM = """
import sys
from pipelines import files
from pipelines.files import local_naming
local_naming.WAYS = local_naming.WAYS[int(sys.argv[2]):]
for name in ("a", "b"):
    files.create_once(files.to_uri(f"{sys.argv[1]}/{name}"), name.encode() * 5000)
"""


def _program(folder: Path, lacking: int, fault: shim.Fault) -> Iterator[shim.Call]:
    """Runs the program with a fault; yields the calls that it made."""
    log = folder.with_name("log")
    log.unlink(missing_ok=True)
    library = folder.with_name("shim.so")
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(lacking)],
        env=os.environ | shim.environment(library, folder, fault, log=log),
        cwd=ROOT,
        check=False,
    )
    yield from shim.read_log(log)


def test_kills_leave_a_free_name_or_a_whole_file(tmp_path: Path, lacking: int) -> None:
    """Before and amid each call, and after the last: then the same again ends well.

    After any other call is before the next one; only a write has a middle.
    """
    try:
        shim.build(tmp_path)
    except shim.NotHere as reason:
        pytest.skip(str(reason))
    folder, whole = tmp_path / "out", {"a": b"a" * 5000, "b": b"b" * 5000}
    folder.mkdir()
    calls = list(_program(folder, lacking, shim.Fault()))
    assert {call.op for call in calls} >= {"open", "write", "fsync", "rename"}
    for call in calls:
        last, middle = call == calls[-1], call.op == "write"
        for mode in ("kill", *["after"] * last, *["halve"] * middle):
            for path in folder.iterdir():
                path.unlink()
            list(_program(folder, lacking, shim.Fault(mode, call.number)))
            named = {p.name: p.read_bytes() for p in folder.glob("[ab]")}
            assert named.items() <= whole.items(), (mode, call)
            files.remove_temporaries(files.to_uri(folder))
            assert set(names_in(folder)) == set(named)
            for name, data in whole.items():
                uri = files.to_uri(folder / name)
                assert files.create_once(uri, data) == (name not in named)
            assert {p.name: p.read_bytes() for p in folder.iterdir()} == whole
