"""Hundreds of races of the commands about one night."""

import pytest

from tests.faults import sweeps
from tests.faults.commands import Servers
from tests.faults.sweeps import Make

RACES = {"same-png": 90, "same-tar": 30, "other-png": 60, "other-tar": 20}
"""How many races, by the settings of the launches and the layout of masks."""


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", RACES)
def test_races_end_in_one_truth(servers: Servers, make: Make, name: str) -> None:
    sweeps.race(servers, make, name, count=RACES[name])
