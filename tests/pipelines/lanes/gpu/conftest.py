"""Pools of doubles around a device that end with their test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs.device_runs import DevicePools


@pytest.fixture
def start_device(tmp_path: Path) -> Iterator[DevicePools]:
    pools = DevicePools(tmp_path)
    yield pools
    pools.close()
