"""Data and a finished run, made once for the tests of runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fcn_core.training.train import RunResult, train
from tests.drawn import tiny_recipes, tiny_shards
from tests.drawn.tiny_runs import SMALL, TINY
from tests.drawn.tiny_trainers import eagerly


@pytest.fixture(scope="module")
def eager() -> Iterator[None]:
    """Graphs are run by the tests of bundles, of the demo, and the slow ones."""
    with eagerly():
        yield


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_shards.drawn_data(tmp_path_factory.mktemp("data"), train=4, val=2)


@pytest.fixture(scope="package")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A finished run that tests look at, and may not change."""
    with pytest.MonkeyPatch.context() as patch, eagerly():
        tiny_recipes.use(patch, TINY)
        folder = tmp_path_factory.mktemp("done") / "run"
        return train(tiny_recipes.config(data, folder, **SMALL))
