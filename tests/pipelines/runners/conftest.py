"""What tests of launching share."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.chunk import Diary
from tests.runs import engine_runs


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(os.fspath(tmp_path / "diary"))


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine_runs.Server]:
    """Beam's worker pool in a process of its own."""
    log = tmp_path_factory.mktemp("pool") / "log"
    with contextlib.closing(engine_runs.start_pool(log)) as server:
        yield server


@pytest.fixture(scope="session")
def threads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine_runs.Server]:
    """A worker pool whose workers are threads of it: a job begins at once."""
    log = tmp_path_factory.mktemp("threads") / "log"
    with contextlib.closing(engine_runs.start_thread_pool(log)) as server:
        yield server


@pytest.fixture(scope="session")
def job_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[engine_runs.Server]:
    """Beam's own job server, in a process that no launcher ends."""
    log = tmp_path_factory.mktemp("job_server") / "log"
    with contextlib.closing(engine_runs.start_job_server(log)) as server:
        yield server
