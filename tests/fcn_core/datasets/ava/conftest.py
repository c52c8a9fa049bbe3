"""The package that tests of AVA's lists share."""

from pathlib import Path

import pytest

from tests.drawn import tiny_ava


@pytest.fixture
def package(tmp_path: Path) -> Path:
    tiny_ava.package(tmp_path)
    return tmp_path
