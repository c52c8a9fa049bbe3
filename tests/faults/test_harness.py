"""The harness itself: it finds the faults of programs that are known to have them."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import durable, ordering, shim, toy
from tests.faults.commands import ROOT
from tests.faults.durable import FileSystem
from tests.faults.shim import Call, Fault

FOUND_BY_KILLS = {"in-place", "index-first"}
FOUND_BY_ORDER = {"no-sync", "no-folder-sync", "index-first"}


def _run(library: Path, folder: Path, style: str, fault: Fault) -> int:
    log = folder.with_name("log")
    log.unlink(missing_ok=True)
    data = folder.with_name("data")
    data.unlink(missing_ok=True)
    armed = shim.environment(library, folder, fault, log=log, data=data)
    ended = subprocess.run(
        [sys.executable, "-S", toy.__file__, folder, style],
        cwd=ROOT,
        env={**os.environ, **armed, "PYTHONDONTWRITEBYTECODE": "1"},
        stderr=subprocess.PIPE,
        check=False,
    )
    return ended.returncode


def _log(folder: Path) -> tuple[list[Call], bytes]:
    return shim.read_log(folder.with_name("log")), folder.with_name("data").read_bytes()


def _killed(library: Path, tmp_path: Path, style: str) -> Iterator[str]:
    """Yields what is wrong after kills before each call and in the middle of writes."""
    out = tmp_path / "whole" / "out"
    out.mkdir(parents=True)
    assert _run(library, out, style, Fault()) == 0
    calls, _ = _log(out)
    for call in calls:
        for mode in ("kill", "halve") if call.op == "write" else ("kill",):
            out = tmp_path / f"{mode}-{call.number}" / "out"
            out.mkdir(parents=True)
            fault = Fault(mode, call.number)
            assert _run(library, out, style, fault) == -signal.SIGKILL
            yield from toy.problems(out)
            assert _run(library, out, style, Fault()) == 0
            yield from toy.problems(out)


@pytest.mark.parametrize("style", ["right", "in-place", "index-first"])
def test_kills_find_a_program_that_is_not_atomic(
    library: Path, tmp_path: Path, style: str
) -> None:
    assert any(_killed(library, tmp_path, style)) == (style in FOUND_BY_KILLS)


def _rule(system: FileSystem, name: str) -> Iterator[str]:
    if name.startswith("items/") and not system.live[name].is_durable:
        yield f"{name} appears before its bytes are durable"
    if name != "index.txt":
        return
    for number in range(toy.ITEMS):
        if not system.is_durable(f"items/{number}.txt"):
            yield f"the index appears before item {number} is durable"


@pytest.mark.parametrize("style", toy.STYLES)
def test_the_order_finds_a_program_that_does_not_sync(
    library: Path, tmp_path: Path, style: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert _run(library, out, style, Fault()) == 0
    calls, data = _log(out)
    system = FileSystem(os.path.realpath(out))
    found = ordering.broken(system, calls, data, rule=_rule)
    assert bool(found) == (style in FOUND_BY_ORDER)
    assert {n: bytes(node.live) for n, node in system.live.items() if node.live} == {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*.txt")
    }


@pytest.mark.parametrize("style", ["right", "no-sync", "in-place", "no-folder-sync"])
def test_a_power_loss_is_acted_out(library: Path, tmp_path: Path, style: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert _run(library, out, style, Fault()) == 0
    calls, data = _log(out)
    wrong, system = list[str](), FileSystem(os.path.realpath(out))
    for call, now in durable.replay(system, calls, data):
        for write in (durable.write_survivors, durable.write_names):
            lost = tmp_path / f"{write.__name__}-{call.number}"
            write(now, lost)
            wrong += toy.problems(lost)
    # Without synced folders nothing is promised to be there, and nothing is wrong.
    assert bool(wrong) == (style in ("no-sync", "in-place"))


@pytest.mark.parametrize(
    ("fault", "code", "size"),
    [
        (Fault("fail", 4, span=0, error=errno.ENOSPC), 1, 0),
        (Fault("short", 4), 0, len(toy.content(0))),
        (Fault("after", 4), -signal.SIGKILL, len(toy.content(0))),
        (Fault("halve", 4), -signal.SIGKILL, len(toy.content(0)) // 2),
    ],
)
def test_a_call_is_broken_as_asked(
    library: Path, tmp_path: Path, fault: Fault, code: int, size: int
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert _run(library, out, "right", fault) == code
    call = _log(out)[0][3]
    assert (call.op, call.path) == (
        "write",
        f"{os.path.realpath(out)}/items/.0.txt.tmp",
    )
    (item,) = [*(out / "items").glob("*0.txt*")] if code else [out / "items" / "0.txt"]
    assert item.stat().st_size == size


def test_syncfs_through_ctypes_is_counted(library: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    log = tmp_path / "log"
    code = (
        "import ctypes, os, sys\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "print(libc.syncfs(os.open(sys.argv[1], os.O_RDONLY)), ctypes.get_errno())\n"
    )
    fault = Fault("fail", 1, error=errno.EIO)
    armed = shim.environment(library, out, fault, log=log)
    command = [sys.executable, "-c", code, os.fspath(out)]
    printed = subprocess.check_output(command, env={**os.environ, **armed}, text=True)
    (call,) = shim.read_log(log)
    assert (call.op, printed.split()) == ("syncfs", ["-1", str(errno.EIO)])
