"""A night that is killed, again and again, ends in the bytes of an undisturbed one."""

import json
import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.runs import score_runs
from tests.runs.processes import is_alive
from tests.runs.score_runs import Attempt, Undisturbed

pytestmark = pytest.mark.usefixtures("warm_lanes")

PHOTOS = 72
CHUNK = 12
LANES = 2
FLAGS = (f"--chunk_size={CHUNK}", f"--lanes={LANES}", "--model", "voc21")
KILLS = 3


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("killed")
    return Undisturbed.score(folder, PHOTOS, *FLAGS, broken=1)


def _moments(seed: int) -> list[int]:
    """Returns after how many masks to kill, each in another third of the night."""
    rng = random.Random(seed)
    third = PHOTOS // KILLS
    return [rng.randrange(n * third + 1, (n + 1) * third) for n in range(KILLS)]


def _kill_all(attempt: Attempt) -> None:
    attempt.kill_all()


def _kill_parent(attempt: Attempt) -> None:
    lanes = attempt.kill_parent()
    assert len(lanes) == LANES
    deadline = time.monotonic() + 20
    while any(is_alive(lane) for lane in lanes):
        assert time.monotonic() < deadline, "a lane outlives its parent"
        time.sleep(0.02)


def _has_masks(out: Path, count: int) -> bool:
    return len(score_runs.masks(out)) >= count


def _check_ledger(out: Path) -> int:
    """Returns how many rows are safe; none is twice, and work in hand is bounded."""
    rows = score_runs.part_rows(out)
    keys = [row["image_key"] for row in rows]
    assert len(set(keys)) == len(keys)
    safe = {row["mask_path"] for row in rows if row["mask_path"]}
    masks = score_runs.masks(out)
    assert safe <= masks, "a row without its mask"
    # Lanes may be ahead by a chunk or more while an open one waits for its last photo.
    assert len(masks - safe) <= 2 * CHUNK + 2 * LANES
    return len(rows)


@pytest.mark.parametrize(
    ("kill", "seed"),
    [
        pytest.param(_kill_all, 1, id="all"),
        pytest.param(_kill_parent, 2, id="parent", marks=pytest.mark.slow),
    ],
)
def test_killed_at_three_moments_the_bytes_are_the_same(
    undisturbed: Undisturbed,
    tmp_path: Path,
    kill: Callable[[Attempt], None],
    seed: int,
) -> None:
    out = tmp_path / "another-out"
    words = score_runs.words(undisturbed.photos, out, *FLAGS)
    safe = [0]
    for moment in _moments(seed):
        with score_runs.attempt(words, tmp_path / "log") as attempt:
            attempt.wait_until(partial(_has_masks, out, moment))
            kill(attempt)
            assert attempt.process.returncode == -signal.SIGKILL
        safe.append(_check_ledger(out))
    assert safe == sorted(safe)
    assert 0 < safe[-1] < PHOTOS, "the kills came too early or too late to tell"
    summary = score_runs.scored(undisturbed.photos, out, *FLAGS)
    assert summary["computed"] == PHOTOS + 1 - safe[-1]
    assert (summary["planned"], summary["skipped"]) == (PHOTOS + 1, 0)
    assert score_runs.results_tree(out) == score_runs.results_tree(undisturbed.out)


def test_killed_before_the_plan_and_while_publishing(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    out = tmp_path / "another-out"
    words = score_runs.words(undisturbed.photos, out, *FLAGS)
    chunks = PHOTOS // CHUNK + 1
    moments = ((out / "_runs").exists, lambda: score_runs.part_count(out) == chunks)
    for moment in moments:
        with score_runs.attempt(words, tmp_path / "log") as attempt:
            attempt.wait_until(moment)
            attempt.kill_all()
    assert score_runs.part_count(out) == chunks
    summary = score_runs.scored(undisturbed.photos, out, *FLAGS)
    assert summary["computed"] == 0
    assert score_runs.results_tree(out) == score_runs.results_tree(undisturbed.out)


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    out = tmp_path / "another-out"
    words = score_runs.words(undisturbed.photos, out, *FLAGS, "--json")
    with score_runs.attempt(words, tmp_path / "log") as attempt:
        attempt.wait_until(lambda: score_runs.part_count(out) >= 2)
        attempt.process.send_signal(signal.SIGINT)
        lanes = attempt.children()
        assert attempt.wait() == 130
        assert not any(is_alive(lane) for lane in lanes)
    message = attempt.log.read_text()
    assert message == "fcn: interrupted; run the same command again to go on\n"
    safe = _check_ledger(out)
    assert CHUNK <= safe < PHOTOS
    (night,) = json.loads(score_runs.fcn("status", out, "--json").stdout)
    assert (night["state"], night["ok"] + night["failed"]) == ("open", safe)
    summary = score_runs.scored(undisturbed.photos, out, *FLAGS)
    assert summary["computed"] == PHOTOS + 1 - safe
    assert score_runs.results_tree(out) == score_runs.results_tree(undisturbed.out)
