"""Bundles of tiny models, lanes, signals, the files' order, what saves time."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fcn_core.labels import VOC_CLASSES
from pipelines.chunks.attempt import Attempt
from pipelines.lanes import lane, process
from tests.doubles import gcs, pip_freeze, warm_lane
from tests.drawn import tiny_models

if "PYTEST_XDIST_WORKER" in os.environ:  # other processes have the other cores
    for _name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    ):
        os.environ.setdefault(_name, "1")


@pytest.fixture(scope="session", autouse=True)
def _one_pip_freeze() -> Iterator[None]:
    with pip_freeze.remembered():
        yield


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
def voc_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of VOC's classes."""
    from fcn_core.export.bundle import export

    folder = tmp_path_factory.mktemp("bundles") / "voc"
    card = tiny_models.draw_card(classes=list(VOC_CLASSES))
    export(tiny_models.draw_network(channels=21), folder, card)
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


@pytest.fixture
def lane_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes that are processes after all, in a file of warm ones."""
    monkeypatch.setattr(lane, "LaneProcess", process.LaneProcess)


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


def pytest_collection() -> None:
    gc.disable()  # what is collected stays: looking through it frees nothing


def pytest_collection_finish() -> None:
    """Has no later collection of garbage look through thousands of tests again."""
    gc.freeze()
    gc.enable()


def pytest_configure() -> None:
    """Has the processes of tests heed signals that this one was started to ignore.

    Shells start what is in the background, `nohup` anything, with signals ignored, and
    children inherit that. A handler they do not inherit: they begin with the default.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
