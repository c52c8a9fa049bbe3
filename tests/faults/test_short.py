"""A little of each kind of fault, in a minute; `make test-faults` has all of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import scenarios, shim, sweeps, test_power_loss
from tests.faults.commands import ROOT, Servers
from tests.faults.scenarios import Inputs
from tests.faults.sweeps import Make, Scenarios
from tests.runs.lane_runs import wait_for
from tests.runs.processes import is_alive

KILLS = {"score-png": 5, "discard-tar": 1, "convert": 2}
ERRORS = {"score-png": 4}
LOSSES = {"score-png": 3}
DAMAGES = {"done-png": 9}
RACES = {"same-png": 1, "other-png": 1}


@pytest.mark.parametrize("name", KILLS)
def test_killed_at_some_calls(servers: Servers, prepared: Scenarios, name: str) -> None:
    sweeps.kills(servers, prepared, name, count=KILLS[name])


@pytest.mark.parametrize("name", ERRORS)
def test_failed_at_some_calls(servers: Servers, prepared: Scenarios, name: str) -> None:
    sweeps.errors(servers, prepared, name, count=ERRORS[name])


@pytest.mark.parametrize("name", ["score-png", "convert"])
def test_what_a_name_mentions_is_durable_before_it(
    servers: Servers, prepared: Scenarios, tmp_path: Path, name: str
) -> None:
    sweeps.order(servers, prepared, name, folder=tmp_path)


@pytest.mark.parametrize("name", LOSSES)
def test_some_power_losses_are_survived(
    servers: Servers, prepared: Scenarios, tmp_path: Path, name: str
) -> None:
    count = LOSSES[name]
    sweeps.power_losses(servers, prepared, name, folder=tmp_path, count=count)


def test_power_lost_on_a_real_disk(
    servers: Servers, prepared: Scenarios, tmp_path: Path
) -> None:
    test_power_loss.lose(servers, prepared, tmp_path, delays=(0.5,), stop=0.8)


@pytest.mark.parametrize("base", DAMAGES)
def test_some_damage_is_noticed(servers: Servers, make: Make, base: str) -> None:
    sweeps.damages(servers, make, base, count=DAMAGES[base])


@pytest.mark.parametrize("name", RACES)
def test_some_races_end_in_one_truth(servers: Servers, make: Make, name: str) -> None:
    sweeps.race(servers, make, name, count=RACES[name])


def test_real_lanes_end_with_a_killed_command(
    servers: Servers, inputs: Inputs, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = inputs.fill(scenarios.score("png"), out, "plain")
    with servers.one() as server:
        running = server.start(words, out, shim.Fault("stop", 46), inline=False)
        assert running.wait() is None
        lanes = running.children()
        assert len(lanes) == 1
        running.kill()
        wait_for(lambda: not any(is_alive(lane) for lane in lanes))


def test_a_forked_command_counts_the_calls_of_a_process_of_its_own(
    servers: Servers, library: Path, inputs: Inputs, tmp_path: Path
) -> None:
    alone, forked = tmp_path / "alone", tmp_path / "forked"
    armed = shim.environment(library, alone, shim.Fault(), log=tmp_path / "log")
    command = [sys.executable, "-m", "pipelines.cli"]
    done = subprocess.run(
        [*command, *inputs.fill(scenarios.score("tar"), alone, "plain")],
        cwd=ROOT,
        env={**os.environ, **armed},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    with servers.one() as server:
        words = inputs.fill(scenarios.score("tar"), forked, "plain")
        ended = server.run(words, forked, inline=False)
    assert ended.code == 0, ended.stderr
    ops = [
        sorted(call.op for call in c)
        for c in (shim.read_log(tmp_path / "log"), ended.calls)
    ]
    assert ops[0] == ops[1]
