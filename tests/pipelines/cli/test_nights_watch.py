"""`fcn status --watch`: what it prints, and what it ends with."""

import json
import signal
from pathlib import Path

import pytest

from pipelines import files
from tests.drawn.night_plans import NIGHT, draw_night, plan_night, publish_night
from tests.runs import score_runs
from tests.runs.score_runs import fcn


def test_a_committed_night_is_0(tmp_path: Path) -> None:
    publish_night(draw_night(tmp_path, 9))
    ended = fcn("status", tmp_path, "--watch")
    assert ended.code == 0
    assert ended.stderr.splitlines()[-1].startswith("9/9 images")
    assert NIGHT in ended.stdout and "committed" in ended.stdout


def test_a_failed_night_is_3_and_says_why(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 5)
    verdict = json.dumps({"why": "too much failed", "failures": {"corrupt": 1}})
    files.write_atomically(night.folder.refusal, verdict.encode())
    ended = fcn("status", tmp_path, "--watch")
    assert ended.code == 3
    assert "too much failed" in ended.stdout
    ended = fcn("status", tmp_path, "--watch", "--json")
    assert (ended.code, ended.stderr) == (3, "")
    assert json.loads(ended.stdout) == {
        "run_date": NIGHT,
        "state": "failed",
        "planned": 5,
        "ok": 4,
        "failed": 1,
        "chunks": 2,
        "chunks_done": 2,
    }


@pytest.mark.parametrize(
    "flags", [["--json"], pytest.param([], marks=pytest.mark.slow)]
)
def test_ctrl_c_ends_it_with_130(tmp_path: Path, flags: list[str]) -> None:
    plan_night(tmp_path / "out", 9)
    words = ["status", str(tmp_path / "out"), "--watch", *flags]
    with score_runs.attempt(words, tmp_path / "log") as watching:
        seen = '"open"' if flags else "0/9 images"
        watching.wait_until(lambda: seen in watching.log.read_text(), seconds=60)
        watching.process.send_signal(signal.SIGINT)
        assert watching.wait() == 130
    assert "Traceback" not in watching.log.read_text()
