"""Thousands of damages: each is noticed, or changes nothing for readers."""

import pytest

from tests.faults import sweeps
from tests.faults.commands import Servers
from tests.faults.sweeps import Make

DAMAGES = {"open-png": 800, "done-png": 1000, "done-tar": 240}
"""How many damages, by what is damaged."""


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("base", DAMAGES)
def test_damage_is_noticed(servers: Servers, make: Make, base: str) -> None:
    sweeps.damages(servers, make, base, count=DAMAGES[base])
