"""Pools of doubles that end with their test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs.lane_runs import Pools


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Pools]:
    pools = Pools(tmp_path)
    yield pools
    pools.close()
