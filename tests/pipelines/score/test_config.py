"""The settings of `fcn score` that must fit each other."""

from typing import Any

import pytest

from pipelines.faults import UsageError
from pipelines.score.config import ScoreConfig


def test_tiles_need_a_larger_working_size() -> None:
    words: dict[str, Any] = {"input": "a", "output": "b", "tile": 512}
    assert ScoreConfig(**words, max_side=2048).tile == 512
    for max_side in (None, 512):
        with pytest.raises((ValueError, UsageError), match="max_side above it"):
            ScoreConfig(**words, max_side=max_side)
