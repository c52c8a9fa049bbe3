"""The settings of `fcn score` that must fit each other."""

from typing import Any

import pytest

from pipelines.faults import UsageError
from pipelines.score.config import ScoreConfig
from pipelines.score.plan import ScoreSettings
from tests.drawn import night_plans


def test_tiles_need_a_larger_working_size() -> None:
    words: dict[str, Any] = {"input": "a", "output": "b", "tile": 512}
    assert ScoreConfig(**words, max_side=2048).tile == 512
    for max_side in (None, 512):
        with pytest.raises((ValueError, UsageError), match="max_side above it"):
            ScoreConfig(**words, max_side=max_side)


def test_plans_without_views_keep_their_bytes() -> None:
    """Nights of earlier versions are the same nights."""
    usual = night_plans.SETTINGS
    assert "views" not in usual.model_dump(mode="json")
    squares = usual.model_copy(update={"views": "3"})
    assert squares.model_dump(mode="json") == {
        **usual.model_dump(mode="json"),
        "views": "3",
    }
    assert ScoreSettings.model_validate_json(squares.encode()) == squares
    assert ScoreSettings.model_validate_json(usual.encode()) == usual
