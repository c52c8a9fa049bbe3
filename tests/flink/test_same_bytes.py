"""What Flink's workers write is what this process writes, byte by byte."""

import time
from pathlib import Path

import pytest

from pipelines.deploy.flink.local_cluster import Cluster
from tests.drawn import tiny_data
from tests.flink.nights import FLAGS, Night, comparable, settle
from tests.runs import score_runs
from tests.runs.score_runs import fcn
from tests.runs.trees import everything

pytestmark = [pytest.mark.flink, pytest.mark.timeout(900)]


def test_score(cluster: Cluster, night: Night, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = score_runs.score(night.here.photos, out, *FLAGS, *cluster.flags())
    assert ended.code == 0, ended.stderr
    night.check(out)
    assert comparable(out) == comparable(night.here.out)


def test_convert(cluster: Cluster, tmp_path: Path) -> None:
    voc = tiny_data.voc_tree(tmp_path / "voc", train=9, val=4)
    trees = []
    flags: tuple[list[str], ...] = ([], cluster.flags())
    for name, more in zip(("here", "there"), flags, strict=True):
        out = tmp_path / name
        where = ("--input", voc, "--output", out)
        ended = fcn("convert", "voc", *where, "--num_shards", "3", *more)
        assert ended.code == 0, ended.stderr
        assert (out / "COMPLETED").exists()
        trees.append(everything(out))
    assert trees[0] == trees[1]


def test_the_launcher_need_not_stay(
    cluster: Cluster, night: Night, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = night.words(out, cluster, "--no_wait_until_finish")
    ended = fcn(*words)
    assert ended.code == 0, ended.stderr
    assert not night.is_committed(out)
    settled_by_itself(cluster, night, out)
    night.check(out)


def settled_by_itself(cluster: Cluster, night: Night, out: Path) -> None:
    """Waits for the end of a job without a launcher."""
    deadline = time.monotonic() + 300
    while not (night.is_committed(out) and list(out.glob("report/*/summary.json"))):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    settle(cluster)
