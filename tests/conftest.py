"""Bundles of tiny models, exported once a session, lanes, signals, the files' order."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.chunks.attempt import Attempt
from tests.doubles import gcs, warm_lane
from tests.drawn import tiny_models


@pytest.fixture(scope="session")
def segmentation_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "segmentation"
    tiny_models.write_bundle(folder)
    return folder


@pytest.fixture(scope="session")
def center_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "center"
    tiny_models.write_bundle(folder, seed=1, alignment="center")
    return folder


@pytest.fixture(scope="session")
def rating_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "rating"
    tiny_models.write_bundle(folder, "aesthetics", seed=2)
    return folder


@pytest.fixture
def attempt() -> Iterator[Attempt]:
    """What the workers of a test share; its lanes end with the test."""
    with Attempt() as attempt:
        yield attempt


@pytest.fixture(scope="module")
def warm_lanes() -> Iterator[None]:
    """Lanes that take no process, for the nights of a file."""
    with warm_lane.warm():
        yield


@pytest.fixture(scope="session")
def gcs_address() -> Iterator[str]:
    with gcs.server() as address:
        yield address


@pytest.fixture
def bucket(gcs_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[gcs.Bucket]:
    """A new bucket; gs:// leads to its store, and nowhere else afterwards."""
    gcs.use(gcs_address, monkeypatch)
    yield gcs.Bucket(gcs_address)
    monkeypatch.undo()
    gcs.forget()


_FIRST = ("test_readme.py", "test_demo.py")
"""Files that take minutes; begun last, one process would end long after the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in _FIRST)


def pytest_configure() -> None:
    """Has the processes of tests heed signals that this one was started to ignore.

    Shells start what is in the background, `nohup` anything, with signals ignored, and
    children inherit that. A handler they do not inherit: they begin with the default.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
