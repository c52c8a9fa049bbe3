"""Killed processes of a cluster: the same command ends in the same bytes.

`FLINK_SEED` chooses other moments, `FLINK_TRIALS` how many nights, `FLINK_KILLS` how
many kills in each; all of them are printed.
"""

import random
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from pipelines.deploy.flink.commands import JOB_MANAGER, JOB_SERVER
from pipelines.deploy.flink.local_cluster import Cluster
from tests.flink.nights import LAUNCHER, TASK_MANAGERS, Night, Trial, setting, trials

pytestmark = [pytest.mark.flink, pytest.mark.timeout(1800)]

SEED = setting("FLINK_SEED", int(time.time()))
TRIALS = setting("FLINK_TRIALS", 4)
KILLS = setting("FLINK_KILLS", 10)
MOST_NIGHTS = 5
_killed: Counter[str] = Counter()


def log(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(trial: Trial, victims: list[str], rng: random.Random) -> None:
    began = time.monotonic()
    try:
        trial.run(victims, rng)
    finally:
        _killed.update(victim for victim, _, _ in trial.kills)
        took = time.monotonic() - began
        log(f"  {len(trial.kills)} kills, {took:.0f} s; so far {dict(_killed)}")


@pytest.mark.parametrize("victim", [TASK_MANAGERS[0], JOB_SERVER, JOB_MANAGER])
def test_one_process_is_lost(
    cluster: Cluster, night: Night, tmp_path: Path, victim: str
) -> None:
    trial = Trial(night, cluster, tmp_path / "trial")
    log(f"\nFLINK_SEED={SEED}: {victim}")
    run(trial, [victim], random.Random(SEED))
    assert [name for name, _, _ in trial.kills] == [victim]


@pytest.mark.parametrize(
    ("seed", "victims"),
    list(trials(SEED, count=TRIALS, kills=KILLS)),
    ids=str,
)
def test_kills_at_random_moments(
    cluster: Cluster, night: Night, tmp_path: Path, seed: int, victims: list[str]
) -> None:
    log(f"\nFLINK_SEED={SEED}, seed {seed}: {', '.join(victims)}")
    rng, left = random.Random(seed), victims
    for number in range(MOST_NIGHTS):
        # A night may end before all of its kills come: the next one takes the others.
        trial = Trial(night, cluster, tmp_path / f"trial-{number}")
        run(trial, left, rng)
        left = left[len(trial.kills) :]
        if not left:
            break


def test_the_kills_were_many() -> None:
    """Last: nights that end before their kills come prove nothing."""
    assert sum(_killed.values()) >= TRIALS * KILLS * 3 // 4, dict(_killed)
    assert {LAUNCHER, *TASK_MANAGERS} <= set(_killed)
