"""Commands killed, or refused, at their n-th write-like call: the same bytes."""

import pytest

from tests.faults import sweeps
from tests.faults.commands import Servers
from tests.faults.scenarios import SCENARIOS
from tests.faults.sweeps import Scenarios

KILLS: dict[str, int | None] = dict.fromkeys(SCENARIOS)
KILLS["score-real-lanes"] = 12
"""How many kills of each scenario; None: at every call."""

ERRORS: dict[str, int | None] = dict.fromkeys(SCENARIOS, 60)
ERRORS["score-png"], ERRORS["score-real-lanes"] = 120, 6
"""How many errors."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("name", KILLS)
def test_killed_at_every_call(servers: Servers, prepared: Scenarios, name: str) -> None:
    sweeps.kills(servers, prepared, name, count=KILLS[name])


@pytest.mark.parametrize("name", ERRORS)
def test_failed_at_every_call(servers: Servers, prepared: Scenarios, name: str) -> None:
    sweeps.errors(servers, prepared, name, count=ERRORS[name])
