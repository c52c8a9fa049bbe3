"""A user's own data for all tests of this folder."""

from pathlib import Path

import pytest

from tests.drawn import own_data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Photos in sub-folders, index masks, colour masks and label maps."""
    return own_data.write_data(tmp_path)
