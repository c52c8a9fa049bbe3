"""A lane's process: what it inherits, what it may cost, and when it ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.faults import SystemicFault
from pipelines.lanes.process import Death, LaneProcess
from pipelines.lanes.settings import LaneLimits
from tests.doubles.lane import BABBLE
from tests.runs.lane_runs import Pools, answers, requests, settings, wait_for
from tests.runs.processes import is_alive


def test_native_prints_do_not_reach_the_pipe(start: Pools) -> None:
    found = answers(start("Loud", count=1), *[f"good {n}" for n in range(5)])
    assert [answer.blobs for answer in found] == [
        [f"good {n}".encode()] for n in range(5)
    ]


def test_a_lane_inherits_no_credential_and_dies_first(
    start: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "canary-4711"
    for name in (
        "AWS_SECRET_ACCESS_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "HF_TOKEN",
        "FCN_ANYTHING",
        "PASSWORD",
    ):
        monkeypatch.setenv(name, canary)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")  # as every command has it
    (answer,) = answers(start("Surroundings", count=1), "good")
    environment = answer.reply["environment"]
    assert canary not in json.dumps(environment)
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["TF_CPP_MIN_LOG_LEVEL"] == "3"
    assert answer.reply["session"] != answer.reply["parents_session"]
    assert answer.reply["core_limit"] == 0
    assert answer.reply["oom_score_adj"] == 1000
    # stdin, the old stdout, stderr, its own memory, replies, and the listing itself;
    # two of each control group with a limit
    assert len(answer.reply["open_files"]) <= 10


def test_the_current_folder_does_not_replace_our_code(
    start: Pools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impostor = tmp_path / "pipelines" / "lanes" / "child.py"
    impostor.parent.mkdir(parents=True)
    for folder in (impostor.parent, impostor.parent.parent):
        (folder / "__init__.py").touch()
    impostor.write_text("raise SystemExit('an impostor')")
    monkeypatch.chdir(tmp_path)
    (answer,) = answers(start("Echo", count=1), "good")
    assert answer.bad is None
    assert answer.blobs == [b"good"]


def test_a_silent_lane_is_no_requests_strike(start: Pools) -> None:
    limits = LaneLimits(cpu_seconds=60, silence_seconds=0.5)
    with pytest.raises(SystemicFault, match="no photo is to blame"):
        list(start("Perils", count=1, limits=limits).answer(requests("sleep")))


def test_a_lane_that_hung_up_is_killed(
    start: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.lanes.process._LEAVE_SECONDS", 0.3)
    pool = start("Perils", count=1)
    (answer,) = answers(pool, "good")
    replies = replies_descriptor(answer.reply["pid"])
    with pytest.raises(SystemicFault, match="no photo is to blame"):
        list(pool.answer(requests(f"leave {replies}")))


def replies_descriptor(pid: int) -> int:
    """Returns the number of a lane's pipe of replies: the last pipe that it opened."""
    return max(
        int(path.name)
        for path in Path(f"/proc/{pid}/fd").iterdir()
        if path.readlink().name.startswith("pipe:")
    )


def test_a_lane_that_grew_is_replaced(start: Pools) -> None:
    limits = LaneLimits(memory_bytes=256 << 20, recycle_bytes=60 << 20)
    pool = start("Perils", count=1, limits=limits)
    pids = [answer.reply["pid"] for answer in answers(pool, "good", "grow", "good too")]
    assert pids[0] == pids[1] != pids[2]
    assert all(not is_alive(pid) for pid in pids[:2])


def test_the_cpu_limit_is_each_requests_own(start: Pools) -> None:
    limits = LaneLimits(cpu_seconds=0.5)
    pool = start("Burn", count=1, limits=limits)
    assert [answer.bad for answer in answers(pool, *["0.45"] * 3)] == [None] * 3


OWNER = """
import sys
from pipelines.lanes import pool
from tests.runs import lane_runs
lanes = pool.LanePool(lane_runs.settings("Perils", journal=sys.argv[1]))
replies = lanes.answer(lane_runs.requests("good", "good", *sys.argv[2:]))
for _ in range(2):
    print(next(replies)[1].reply["pid"], flush=True)
list(replies)
"""


def test_lanes_end_when_their_owner_is_killed(tmp_path: Path) -> None:
    words = [os.fspath(tmp_path / "journal"), "sleep", "sleep"]
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, *words], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    try:
        pids = {int(owner.stdout.readline()) for _ in range(2)}
        wait_for(lambda: (tmp_path / "journal").read_text().count("sleep") == 2)
        assert all(is_alive(pid) for pid in pids)
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        owner.stdout.close()
    wait_for(lambda: not any(is_alive(pid) for pid in pids))


@pytest.mark.parametrize("kind", BABBLE)
def test_what_is_no_answer_is_noticed_at_once(tmp_path: Path, kind: str) -> None:
    journal = os.fspath(tmp_path / "journal")
    lane = LaneProcess(settings("Perils", journal=journal), lambda: 0)
    ((_, request),) = requests(f"babble {kind}")
    with pytest.raises(Death, match="a garbled answer") as caught:
        lane.call(request, alone=False)
    assert (caught.value.strike, caught.value.suspicion) == (None, "decoder-crash")
    assert not lane.alive


def test_memory_that_a_decoder_was_refused_is_a_strike(start: Pools) -> None:
    (answer,) = answers(start("Perils", count=1), "refused")
    assert answer.bad is not None
    assert answer.bad.detail == "twice: the memory limit of one request"
    assert start.begun() == ["refused"] * 2
