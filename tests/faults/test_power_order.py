"""Power losses after each call, acted out by a model of what POSIX promises."""

from pathlib import Path

import pytest

from tests.faults import sweeps
from tests.faults.commands import Servers
from tests.faults.scenarios import SCENARIOS
from tests.faults.sweeps import Scenarios

LOSSES = dict.fromkeys(SCENARIOS, 20) | {
    "score-png": 60,
    "score-tar": 40,
    "score-real-lanes": 2,
}
"""How many losses of each scenario, of each kind of file system."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_a_name_mentions_is_durable_before_it(
    servers: Servers, prepared: Scenarios, tmp_path: Path, name: str
) -> None:
    sweeps.order(servers, prepared, name, folder=tmp_path)


@pytest.mark.parametrize("name", LOSSES)
def test_power_losses_are_survived(
    servers: Servers, prepared: Scenarios, tmp_path: Path, name: str
) -> None:
    count = LOSSES[name]
    sweeps.power_losses(servers, prepared, name, folder=tmp_path, count=count)
