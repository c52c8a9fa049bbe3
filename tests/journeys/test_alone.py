"""A command talks to nobody and writes nowhere but where it was told to.

Each runs with an empty home directory, in a namespace without a network, under strace.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.drawn import tiny_data, tiny_shards
from tests.runs import score_runs

ROOT = Path(__file__).resolve().parents[2]
FCN = (sys.executable, "-m", "pipelines.cli")
NO_NETWORK = ("unshare", "--net")
NOBODY = ("unshare", "--user", "--map-user=54321", "--map-group=54321")
CALLS = (
    "connect,sendto,sendmsg,sendmmsg,open,openat,creat,mkdir,mkdirat,mknodat,"
    "rename,renameat,renameat2,link,linkat,symlink,symlinkat,truncate"
)
# The kernel stops a process at these calls alone, not at every one.
STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", f"trace={CALLS}")
_LOCAL = re.compile(r"AF_UNIX|AF_NETLINK|ENOTCONN")
_NAMED = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Seen(NamedTuple):
    """What a command did.

    Attributes:
        talk: Calls that reach for other machines.
        written: Paths that were made, changed or renamed to.
    """

    talk: list[str]
    written: set[str]


def _needed(*command: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}, which is not installed")
    tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"{' '.join(command)} is not allowed: {tried.stderr.decode()}")


def _environment(folder: Path) -> dict[str, str]:
    for name in ("home", "tmp", "here"):
        (folder / name).mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
    }


def _watched(folder: Path, *words: str) -> Seen:
    """Runs a command; returns what strace saw of it and its children."""
    trace = folder / "trace"
    ended = subprocess.run(
        [*NO_NETWORK, *STRACE, "-s", "4096", "-o", str(trace), *FCN, *words],
        cwd=folder / "here",
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert ended.returncode == 0, ended.stderr
    assert "warn" not in ended.stderr.lower(), ended.stderr
    return _seen(trace.read_text("utf-8", "replace").splitlines())


def _seen(lines: list[str]) -> Seen:
    talk, written = [], set()
    for line in lines:
        call = re.match(r"\d+ +(\w+)\(", line)
        if call is None or re.search(r"= -1 (ENOENT|ENOTDIR|EEXIST)", line):
            continue
        if call[1] in ("connect", "sendto", "sendmsg", "sendmmsg"):
            talk += [] if _LOCAL.search(line) else [line]
        elif not call[1].startswith("open") or re.search("O_(CREAT|WRONLY|RDWR)", line):
            written.update(_NAMED.findall(line)[-1:])
    return Seen(talk, written)


def _elsewhere(seen: Seen, *allowed: Path) -> set[str]:
    """Returns what was written outside of some folders, files of the kernel aside."""
    folders = (*map(str, allowed), "/dev/", "/proc/")
    return {
        path
        for path in seen.written
        if not path.startswith(folders) and "/__pycache__/" not in path
    }


@pytest.fixture(autouse=True)
def tools() -> None:
    _needed(*STRACE, "-o", os.devnull)
    _needed(*NO_NETWORK)


def _check_alone(folder: Path, seen: Seen, *allowed: Path) -> None:
    assert seen.talk == []
    assert seen.written, "strace saw nothing"
    assert _elsewhere(seen, *allowed, folder / "tmp") == set()
    for name in ("home", "here", "tmp"):
        assert list((folder / name).iterdir()) == [], name


def test_scoring_and_checking_models(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    score_runs.add_photos(photos, 2)
    where = ("--input", str(photos), "--output", str(out))
    which = ("--model", "voc21", "quality", "--lanes", "1")
    seen = _watched(tmp_path, "score", *which, *where)
    assert any(path.startswith(str(out)) for path in seen.written)
    _check_alone(tmp_path, seen, out)
    checked = _watched(tmp_path, "models", "check", "quality")
    _check_alone(tmp_path, checked)


@pytest.mark.slow
def test_scoring_with_tensorflow(tmp_path: Path) -> None:
    """Its lanes import Keras with it."""
    photos, out = tmp_path / "photos", tmp_path / "out"
    score_runs.add_photos(photos, 1)
    where = ("--input", str(photos), "--output", str(out), "--engine", "tensorflow")
    seen = _watched(tmp_path, "score", "--model", "quality", "--masks", "none", *where)
    _check_alone(tmp_path, seen, out)


@pytest.mark.slow
def test_training_and_exporting(tmp_path: Path) -> None:
    data = tiny_shards.drawn_data(tmp_path / "drawn")
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    learn = ("train", "segmentation", "--recipe", "voc21", "--init", "voc21")
    small = ("--epochs", "1", "--batch_size", "2", "--threads", "1")
    where = ("--data", str(data), "--output", str(run))
    _check_alone(tmp_path, _watched(tmp_path, *learn, *small, *where), run)
    made = _watched(tmp_path, "export", "--model", str(run), "--output", str(bundle))
    _check_alone(tmp_path, made, tmp_path / "bundle", tmp_path / ".new-")


@pytest.mark.slow
def test_converting_counting_and_evaluating(tmp_path: Path) -> None:
    tree = tiny_data.voc_tree(tmp_path / "tree", train=3, val=2)
    data, figures = tmp_path / "data", tmp_path / "figures" / "voc.json"
    where = ("--input", str(tree), "--output", str(data))
    _check_alone(tmp_path, _watched(tmp_path, "convert", "voc", *where), data)
    counted = _watched(tmp_path, "stats", str(data))
    _check_alone(tmp_path, counted, data)
    measure = ("evaluate", "--model", "voc21", "--split", "val", "--allow_leak")
    where = ("--data", str(data), "--output", str(figures))
    measured = _watched(tmp_path, *measure, *where)
    _check_alone(tmp_path, measured, figures.parent)


def test_strace_sees_who_reaches_for_the_network(tmp_path: Path) -> None:
    """And who writes at home: a check that sees nothing would always pass."""
    code = (
        "import socket, pathlib; pathlib.Path('~/x').expanduser().write_text('x')\n"
        "try: socket.create_connection(('10.1.2.3', 80), timeout=1)\n"
        "except OSError: pass\n"
    )
    environment = _environment(tmp_path)
    strace = (*STRACE, "-o", str(tmp_path / "trace"))
    words = [*NO_NETWORK, *strace, sys.executable, "-c", code]
    subprocess.run(words, env=environment, check=True)
    seen = _seen((tmp_path / "trace").read_text().splitlines())
    assert len(seen.talk) == 1 and "10.1.2.3" in seen.talk[0]
    assert _elsewhere(seen, tmp_path / "tmp") == {str(tmp_path / "home" / "x")}


def test_a_user_without_a_home_directory(tmp_path: Path) -> None:
    """As containers have them: no HOME, and a number that nobody is listed under."""
    _needed(*NOBODY)
    photos, out = tmp_path / "photos", tmp_path / "out"
    score_runs.add_photos(photos, 1)
    environment = _environment(tmp_path)
    del environment["HOME"]
    homeless = "import pathlib\ntry: pathlib.Path.home()\nexcept RuntimeError: print(1)"
    assert (
        subprocess.check_output([*NOBODY, FCN[0], "-c", homeless], env=environment)
        == b"1\n"
    )
    words = score_runs.words(photos, out, "--model", "quality", "--masks", "none")
    for command in (words, ["models", "check", "quality"]):
        ended = subprocess.run(
            [*NOBODY, *FCN, *command],
            env=environment,
            cwd=tmp_path / "here",
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
    assert set(score_runs.statuses(score_runs.table(out)).values()) == {"ok"}
