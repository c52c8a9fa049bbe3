"""The same commands on another engine: other processes do the work, the bytes agree.

The engine is Beam's own job server in the launcher, with a pool of workers beside it:
the protocol of a cluster, without one.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.drawn import tiny_data, tiny_models
from tests.runs import engine_runs, score_runs
from tests.runs.engine_runs import Server
from tests.runs.lane_runs import wait_for
from tests.runs.score_runs import fcn
from tests.runs.trees import everything

ARITHMETIC = ("--engine", "openvino", "--precision", "f32")
OF_THE_RUN = ("seconds", "images_per_second", "command")
"""What a summary says of one run, not of its result."""
STARTED = "Starting worker"  # what a pool prints


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("pool") / "log"
    with contextlib.closing(engine_runs.start_pool(log)) as server:
        yield server


@pytest.fixture(scope="module")
def voc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.voc_tree(tmp_path_factory.mktemp("voc"), train=9, val=4)


def both(
    out: Path, pool: Server, run: Callable[[list[str]], None]
) -> tuple[Path, Path]:
    """Runs commands here, then in a pool of workers, into the same output."""
    run([])
    here = Path(shutil.move(out, out.with_name("here")))
    before = pool.log.read_text().count(STARTED)
    run(engine_runs.flags(pool))
    assert pool.log.read_text().count(STARTED) > before
    wait_for(lambda: not pool.children())  # nor their lanes, which end with them
    return here, out


def comparable(out: Path) -> dict[str, object]:
    """Returns the tree of an output without what describes the run."""
    tree: dict[str, object] = dict(everything(out))
    for name in list(tree):
        if name.endswith(("summary.json", "figures.json")):
            summary = json.loads(str(tree[name], "utf-8"))  # type: ignore[call-overload]
            tree[name] = {k: v for k, v in summary.items() if k not in OF_THE_RUN}
        elif name.endswith("index.html") or name == "figures.html":
            tree[name] = "a page"
    return tree


def test_convert(voc: Path, pool: Server, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def run(engine: list[str]) -> None:
        where = ("--input", voc, "--output", out)
        ended = fcn("convert", "voc", *where, "--num_shards", "3", *engine)
        assert ended.code == 0, ended.stderr
        assert "13/13 photos" in ended.stderr

    here, there = both(out, pool, run)
    assert (there / "COMPLETED").exists()
    assert everything(there) == everything(here)


def test_score_and_replay(
    voc: Path, voc_bundle: Path, pool: Server, tmp_path: Path
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    shutil.copytree(voc / "JPEGImages", photos)
    broken, good = photos / "broken.jpg", tiny_models.draw_photo(40, 50, seed=9)

    def run(engine: list[str]) -> None:
        for name in ("broken.jpg", "never.jpg"):
            (photos / name).write_bytes(b"\xff\xd8 broken")
            os.utime(photos / name, ns=(0, 10**9))
        more = ["--model", str(voc_bundle), "--chunk_size", "4", *ARITHMETIC, *engine]
        ended = score_runs.score(photos, out, *more)
        assert ended.code == 0, ended.stderr
        assert "2 failed" in ended.stdout
        broken.write_bytes(good)
        os.utime(broken, ns=(0, 2 * 10**9))
        ended = fcn("replay", out, *engine)
        assert ended.code == 0, ended.stderr
        assert "1 ok  1 failed" in ended.stdout

    here, there = both(out, pool, run)
    assert len(list(there.glob("report/*/index.html"))) == 2
    assert comparable(there) == comparable(here)


def test_a_launcher_that_leaves_finds_all_of_it_later(
    voc: Path, voc_bundle: Path, tmp_path: Path
) -> None:
    """Commit, table, summary and page are made by a worker, the launcher is gone."""
    out = tmp_path / "out"
    with (
        contextlib.closing(engine_runs.start_thread_pool(tmp_path / "pool")) as pool,
        contextlib.closing(engine_runs.start_job_server(tmp_path / "jobs")) as server,
    ):
        words = [
            *score_runs.words(voc / "JPEGImages", out, "--model", str(voc_bundle)),
            *(*ARITHMETIC, *engine_runs.flags(pool, job_server=server)),
            *("--no_wait_until_finish", "--json"),
        ]
        left = fcn(*words)
        assert left.code == 0, left.stderr
        answer = json.loads(left.stdout)
        assert (answer["engine"], answer["output"]) == ("PortableRunner", str(out))
        assert answer["job"].startswith("job-")
        assert not list(out.glob("scores/*/_SUCCESS"))
        watched = fcn("status", out, "--watch")
        assert watched.code == 0, watched.stderr
        assert "committed" in watched.stdout
        assert list(out.glob("report/*/index.html"))
    more = ("--model", str(voc_bundle), *ARITHMETIC)
    again = score_runs.scored(voc / "JPEGImages", out, *more)
    assert (again["computed"], again["skipped"]) == (0, 13)


@pytest.mark.slow
def test_an_output_that_workers_do_not_see_is_one_line(
    voc: Path, voc_bundle: Path, tmp_path: Path
) -> None:
    """The pool has another disk at the place of the output, as another host has."""
    elsewhere = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    hide = f'mount -t tmpfs none {tmp_path / "hidden"} && exec "$0" "$@"'
    (tmp_path / "hidden").mkdir()
    tried = subprocess.run([*elsewhere, hide, "true"], check=False, capture_output=True)
    if tried.returncode:
        pytest.skip(f"no mounts of our own here: {tried.stderr.decode()}")
    log = tmp_path / "log"
    with contextlib.closing(
        engine_runs.start_pool(log, before=[*elsewhere, hide])
    ) as far:
        more = ["--model", str(voc_bundle), *ARITHMETIC, *engine_runs.flags(far)]
        started = time.monotonic()
        ended = score_runs.score(voc / "JPEGImages", tmp_path / "hidden" / "out", *more)
        assert time.monotonic() - started < 60
    assert ended.code == 1
    (*_, line) = ended.stderr.splitlines()
    assert line.startswith("fcn: the worker misses the frozen plan at ")
    assert "OUT must be on a store that every worker sees" in line
