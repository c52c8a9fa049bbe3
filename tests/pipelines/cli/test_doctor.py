"""`fcn doctor`: a line a check, exit code 0 or 1, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import files
from tests.runs.score_runs import fcn

ROOT = Path(files.__file__).parents[2]


def test_lines_have_a_level_a_check_and_a_cure(tmp_path: Path) -> None:
    ended = fcn("doctor", "--input", tmp_path / "none", "--output", tmp_path / "out")
    assert ended.code == 1
    lines = [line.split(maxsplit=2) for line in ended.stdout.splitlines()]
    assert [words[1] for words in lines][:2] == ["python", "packages"]
    assert {words[0] for words in lines} <= {"ok", "warning", "wrong"}
    by_check = {words[1]: words for words in lines}
    assert by_check["input"][0] == "wrong"
    assert by_check["input"][2].endswith("nothing there; check the path")
    assert by_check["output"][0] == "ok"
    assert list(tmp_path.iterdir()) == []


def test_json_says_the_same(tmp_path: Path) -> None:
    ended = fcn("doctor", "--json", "--input", tmp_path)
    answer = json.loads(ended.stdout)
    levels = {check["check"]: check["level"] for check in answer["checks"]}
    assert levels["input"] == "ok"
    assert answer["ok"] == ("wrong" not in levels.values())
    assert ended.code == (0 if answer["ok"] else 1)
    assert all(check["cure"] for check in answer["checks"] if check["level"] != "ok")


def test_an_unknown_flag_is_usage() -> None:
    ended = fcn("doctor", "--inptu", "x")
    assert ended.code == 2
    assert "did you mean --input?" in ended.stderr


def test_asks_no_network_unless_a_place_is_named() -> None:
    """Any use of a socket fails in this child, and nothing of it shows."""
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.create_connection = refuse\n"
        "socket.getaddrinfo = refuse\n"
        "from pipelines.cli.main import main\n"
        "raise SystemExit(main(['doctor']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert "network" not in done.stdout
    assert "Traceback" not in done.stderr


def test_a_broken_library_is_a_line_and_the_others_are_checked(tmp_path: Path) -> None:
    broken = tmp_path / "numpy"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('numpy is broken')")
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "doctor"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    levels = {line.split()[1]: line.split()[0] for line in done.stdout.splitlines()}
    assert levels["python"] == "ok"
    assert levels["models"] == "wrong"
    assert "numpy is broken" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_takes_five_seconds_at_most_on_a_quiet_machine() -> None:
    """Three tries, since the machine is shared."""
    times = []
    for _ in range(3):
        before = os.times()
        subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "doctor"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
        )
        times.append(os.times().elapsed - before.elapsed)
    assert min(times) < 5, times
