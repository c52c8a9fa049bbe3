"""What tests of launching share."""

import os
from pathlib import Path

import pytest

from tests.doubles.chunk import Diary


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(os.fspath(tmp_path / "diary"))
