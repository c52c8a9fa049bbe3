"""Two TaskManagers against one: `fcn score` on a Flink of this machine.

    python -m benchmarks.flink_scaling --jars ~/.cache/fcn-flink/lib --count 1200

The same drawn photos, one lane a TaskManager, in clusters of one and of two. The speed
is that of the scoring phase: from the second chunk that is committed to the last but
one, so that neither starting a job nor its finish counts. Both clusters are warm: a
short night runs before the measured one.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from fcn_core import images
from fcn_core.datasets.pascal import drawn
from pipelines.deploy.flink.commands import Ports
from pipelines.deploy.flink.local_cluster import Cluster

_CHUNK = 4
_NIGHT = "2026-11-20"


def draw_photos(folder: Path, count: int, side: int) -> None:
    """Fills a folder with photos, of which a few are the same."""
    drawn.write_voc(folder / "voc", train=8, val=4, sizes=[(side, side)])
    sources = sorted((folder / "voc").rglob("*.jpg"))
    assert sources and images.decode(sources[0].read_bytes(), max_side=None).width
    (folder / "photos").mkdir()
    for number, source in zip(range(count), itertools.cycle(sources), strict=False):
        shutil.copyfile(source, folder / "photos" / f"{number:05}.jpg")


class Parts:
    """When the parts of a night appeared.

    Args:
        out: The night's output.
    """

    def __init__(self, out: Path):
        self._out = out
        self.seen: dict[str, float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Parts":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.05):
            now = time.monotonic()
            for path in self._out.glob("_runs/*/*/parts/chunk-*.parquet"):
                self.seen.setdefault(path.name, now)

    def photos_per_second(self) -> float:
        """Returns the speed between the second part and the last but one."""
        moments = sorted(self.seen.values())[1:-1]
        return (len(moments) - 1) * _CHUNK / (moments[-1] - moments[0])


def score(photos: Path, out: Path, cluster: Cluster, *more: str) -> float:
    """Scores a night on a cluster; returns its photos/s."""
    words = [
        *("score", "--input", os.fspath(photos), "--output", os.fspath(out)),
        *("--model", "voc21", "--run_date", _NIGHT, f"--chunk_size={_CHUNK}"),
        *("--lanes=1", "--masks=none", "--engine=openvino", "--precision=f32"),
        *(*cluster.flags(), *more),
    ]
    with Parts(out) as parts:
        subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *words],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return parts.photos_per_second()


def measure(folder: Path, jars: Path, task_managers: int) -> float:
    """Returns the photos/s of a cluster with so many TaskManagers."""
    place = folder / f"{task_managers}"
    with Cluster.start(
        place / "flink", jars, ports=Ports.choose(), task_managers=task_managers
    ) as cluster:
        score(folder / "photos", place / "warm", cluster, "--limit=64")
        return score(folder / "photos", place / "out", cluster)


def main() -> None:
    """Prints photos/s of one and of two TaskManagers, and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jars", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--side", type=int, default=320, help="of a photo, in pixels")
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        draw_photos(folder, given.count, given.side)
        for number in range(given.rounds):
            rates = {n: measure(folder, given.jars, n) for n in (1, 2)}
            for n in (1, 2):
                shutil.rmtree(folder / f"{n}")
            answer = {"round": number, "one": rates[1], "two": rates[2]}
            print(json.dumps(answer | {"ratio": rates[2] / rates[1]}), flush=True)


if __name__ == "__main__":
    main()
