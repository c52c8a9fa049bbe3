"""`fcn evaluate` and `fcn stats` on another engine: another process does the work.

Its workers are threads, so that a job begins at once; tests of launching and of scoring
start workers as a cluster does.
"""

import contextlib
import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from pipelines.faults import SystemicFault
from tests.drawn import tiny_data
from tests.journeys.test_engines import ARITHMETIC, comparable
from tests.runs import engine_runs
from tests.runs.score_runs import fcn
from tests.runs.trees import everything


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set that was converted here."""
    voc = tiny_data.voc_tree(tmp_path_factory.mktemp("voc"), train=9, val=4)
    out = tmp_path_factory.mktemp("data") / "records"
    ended = fcn("convert", "voc", "--input", voc, "--output", out, "--num_shards", "3")
    assert ended.code == 0, ended.stderr
    return out


def refuse(*_: object, **__: object) -> NoReturn:
    raise SystemicFault("the launcher does the work")


def without_launcher(
    out: Path, run: Callable[[list[str]], None], code: str, folder: Path
) -> None:
    """Compares a run here with one elsewhere; here `code` is not to be called then."""
    run([])
    here = Path(shutil.move(out, out.with_name("here")))
    with (
        contextlib.closing(engine_runs.start_thread_pool(folder / "pool")) as pool,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(code, refuse)
        run(engine_runs.flags(pool))
    assert comparable(out) == comparable(here)


@pytest.mark.usefixtures("warm_lanes")
def test_evaluate(data: Path, voc_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def run(engine: list[str]) -> None:
        what = ("--model", voc_bundle, "--data", data, "--split", "train")
        where = ("--output", out / "figures.json", "--chunk_size", "3")
        ended = fcn("evaluate", *what, *where, *ARITHMETIC, *engine)
        assert ended.code == 0, ended.stderr

    without_launcher(out, run, "pipelines.lanes.lane.LaneProcess", tmp_path)
    names = sorted(os.listdir(out))  # noqa: PTH208 - names, not paths
    assert names == ["figures.html", "figures.json", "figures.photos.parquet"]


@pytest.mark.skipif(
    not importlib.util.find_spec("tfx_bsl"), reason="tfx-bsl is not installed"
)
def test_stats(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def run(engine: list[str]) -> None:
        ended = fcn("stats", data, "--output", out / "figures.json", *engine)
        assert ended.code == 0, ended.stderr

    without_launcher(out, run, "pipelines.statistics.worker.read_shard", tmp_path)
    assert set(everything(out)) == {"figures.json", "figures.html"}
