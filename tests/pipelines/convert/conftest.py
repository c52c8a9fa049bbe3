"""The data set that tests of conversions begin with."""

from pathlib import Path

import pytest

from tests.drawn import tiny_data
from tests.runs.convert_runs import TRAIN, VAL


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tiny_data.voc_tree(tmp_path / "VOC2012", train=TRAIN, val=VAL)
