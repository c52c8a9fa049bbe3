"""Workers, pools and launchers of another engine die: the same command goes on."""

import contextlib
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs import engine_runs, score_runs
from tests.runs.engine_runs import Server
from tests.runs.lane_runs import wait_for

FLAGS = (
    *("--model", "voc21", "--chunk_size", "2", "--lanes", "2"),
    *("--engine", "openvino", "--precision", "f32"),
)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Server]:
    with contextlib.closing(engine_runs.start_pool(tmp_path / "pool")) as server:
        yield server


@pytest.fixture
def night(tmp_path: Path) -> score_runs.Undisturbed:
    """Photos, and what one attempt made of them alone."""
    return score_runs.Undisturbed.score(tmp_path, 60, *FLAGS, broken=1)


@pytest.mark.slow
def test_killed_workers_and_launchers_lose_nothing(
    night: score_runs.Undisturbed, pool: Server, tmp_path: Path
) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    words = [*score_runs.words(night.photos, out, *FLAGS), *engine_runs.flags(pool)]
    with score_runs.attempt(words, log) as first:
        first.wait_until(lambda: score_runs.part_count(out) >= 3)
        (worker,) = pool.children()
        lanes = engine_runs.children(worker)
        assert len(lanes) == 2
        os.kill(worker, signal.SIGKILL)
        assert first.wait() == 1
    (*_, line) = log.read_text().splitlines()
    assert line.startswith("fcn: --runner=PortableRunner: job ")
    assert "Traceback" not in log.read_text()
    wait_for(lambda: not any(map(engine_runs.is_running, lanes)))
    done = score_runs.part_count(out)
    assert 3 <= done < 31
    with score_runs.attempt(words, log) as second:
        second.wait_until(lambda: score_runs.part_count(out) >= done + 3)
        second.kill_parent()
    wait_for(lambda: not pool.children(), seconds=60)  # a worker without a job ends
    assert not (out / "scores").exists() or not list(out.glob("scores/*/_SUCCESS"))
    assert score_runs.fcn(*words).code == 0
    assert score_runs.results_tree(out) == score_runs.results_tree(night.out)


def kill_at_random(words: list[str], folder: Path, rng: random.Random) -> bool:
    """Kills launcher, worker or pool in mid-job; False where the job ended first.

    A worker is not killed before it has begun: Beam's job server in the launcher waits
    for it for ever, and a person presses Ctrl-C.
    """
    log, what = folder / "log", rng.choice(["launcher", "worker", "pool"])
    with (
        contextlib.closing(engine_runs.start_pool(folder / "pool")) as pool,
        score_runs.attempt([*words, *engine_runs.flags(pool)], log) as launch,
    ):

        def has_begun() -> bool:
            lanes = [engine_runs.children(worker) for worker in pool.children()]
            return any(lanes) or (what != "worker" and bool(pool.children()))

        wait_for(lambda: launch.process.poll() is not None or has_begun(), seconds=60)
        with contextlib.suppress(subprocess.TimeoutExpired):
            launch.process.wait(timeout=rng.uniform(0, 5))
        has_ended = launch.process.poll() is not None
        if what == "worker":
            for worker in pool.children():
                os.kill(worker, signal.SIGKILL)
            assert launch.wait() in (0, 1), log.read_text()
        elif what == "pool":
            pool.process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                launch.process.wait(timeout=rng.uniform(0, 2))
    assert "Traceback" not in log.read_text()
    return not has_ended


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    night = score_runs.Undisturbed.score(tmp_path, 400, *FLAGS, broken=1)
    kills, rng = 0, random.Random(13)
    for number in range(8):
        # A night may end before its kills come: then another one takes them.
        out = tmp_path / f"out-{number}"
        words = score_runs.words(night.photos, out, *FLAGS)
        while kills < 3 and kill_at_random(words, tmp_path, rng):
            kills += 1
        assert score_runs.fcn(*words).code == 0
        assert score_runs.results_tree(out) == score_runs.results_tree(night.out)
        if kills >= 3:
            break
    assert kills >= 3
