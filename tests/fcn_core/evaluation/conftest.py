"""Drawn records to evaluate on."""

import pytest

from fcn_core.records.record import SegmentationRecord
from tests.drawn import tiny_shards


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[SegmentationRecord]:
    drawn = tiny_shards.drawn_records(tmp_path_factory.mktemp("d"), train=3, val=1)
    return drawn["train"]
