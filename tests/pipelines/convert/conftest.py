"""A drawn VOC tree for the tests of conversions."""

from pathlib import Path

import pytest

from tests.drawn import tiny_data
from tests.runs.voc_runs import TRAIN, VAL


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tiny_data.voc_tree(tmp_path / "VOC2012", train=TRAIN, val=VAL)
