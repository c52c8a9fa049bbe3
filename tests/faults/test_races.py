"""Hundreds of races of the commands about one night."""

import pytest

from tests.faults import sweeps
from tests.faults.commands import Servers
from tests.faults.sweeps import Make

RACES = {"png": 140, "tar": 60}
"""How many races, by the layout of masks."""


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("masks", RACES)
def test_races_end_in_one_truth(servers: Servers, make: Make, masks: str) -> None:
    sweeps.race(servers, make, masks, count=RACES[masks])
