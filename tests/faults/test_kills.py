"""Commands killed at their n-th write-like call: the same command, the same bytes."""

import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.faults import trials
from tests.faults.commands import Server, Servers
from tests.faults.scenarios import SCENARIOS, Prepared
from tests.faults.trials import Trial

KILLS: dict[str, int | None] = dict.fromkeys(SCENARIOS)
"""How many kills of each scenario in the full sweep; None: at every call."""
ERRORS = {name: None if name == "score-png" else 60 for name in SCENARIOS}
"""How many errors."""
SHORT = {"score-png": 8, "discard-tar": 2, "replay-png": 2, "convert": 2}
"""How many of each in the short one."""

Scenarios = Callable[[str], Prepared]


def sweep(servers: Servers, prepared: Prepared, wanted: Iterable[Trial]) -> None:
    """Runs trials, and fails with all that went wrong."""

    def one(server: Server, folder: Path, trial: Trial) -> list[str]:
        return trials.run(server, folder / "out", prepared, fault=trial.fault)

    done = servers.each(one, wanted)
    failures = [(trial.name, wrong) for trial, wrong in done if wrong]
    print(f"{len(done)} trials, {len(failures)} failed")  # noqa: T201
    if failures:
        pytest.fail(trials.report(failures, tried=len(done)), pytrace=False)


@pytest.mark.parametrize("name", SHORT)
def test_killed_at_some_calls(servers: Servers, prepared: Scenarios, name: str) -> None:
    scenario = prepared(name)
    sweep(servers, scenario, trials.chosen(trials.kills(name, scenario), SHORT[name]))


@pytest.mark.parametrize("name", SHORT)
def test_failed_at_some_calls(servers: Servers, prepared: Scenarios, name: str) -> None:
    scenario, rng = prepared(name), random.Random(trials.SEED)
    wanted = trials.errors(name, scenario, rng)
    sweep(servers, scenario, trials.chosen(wanted, SHORT[name]))


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", KILLS)
def test_killed_at_every_call(servers: Servers, prepared: Scenarios, name: str) -> None:
    scenario = prepared(name)
    sweep(servers, scenario, trials.chosen(trials.kills(name, scenario), KILLS[name]))


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ERRORS)
def test_failed_at_every_call(servers: Servers, prepared: Scenarios, name: str) -> None:
    scenario, rng = prepared(name), random.Random(trials.SEED)
    wanted = trials.errors(name, scenario, rng)
    sweep(servers, scenario, trials.chosen(wanted, ERRORS[name]))
