"""Whether the memory of a night grows with its photos: peaks of all its processes.

    python -m benchmarks.night_memory --counts 500 5000
    python -m benchmarks.night_memory --counts 500 5000 -- --device cpu --gpu_batch 8

Draws a few small photos, gives them many names, scores them, and looks at the memory of
the process and of its lanes ten times a second: what they allocated, and what they
share. The code of libraries is left out: it is one file for all processes of a machine,
and what falls to each depends on what else runs. What follows `--` are words of
`fcn score`. One line of JSON a count:

- `peak_mib`: the most that all processes had at once before the last chunk was done,
  and `of`: the most of each kind of process.
- `quarters_mib`: the mean of all in each quarter of the night's photos.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any, Final

import numpy as np
from PIL import Image

_LANE: Final = b"pipelines.lanes.child"
_DRAWN: Final = 20
_SIDE: Final = 120
_MIB: Final = 1 << 20

Sample = dict[str, int]
"""Bytes of each kind of process at a moment."""


def draw_photos(folder: Path, count: int) -> Path:
    """Draws photos, and gives them so many names."""
    drawn = folder / "drawn"
    if not drawn.exists():
        drawn.mkdir()
        chosen = np.random.default_rng(0)
        for number in range(_DRAWN):
            coarse = chosen.integers(0, 255, (6, 6, 3), np.uint8)
            size = _SIDE, _SIDE + number
            Image.fromarray(coarse).resize(size).save(drawn / f"{number}.jpg")
    sources = sorted(drawn.iterdir())
    photos = folder / f"photos-{count}"
    photos.mkdir()
    for number in range(count):
        (photos / f"{number:07}.jpg").hardlink_to(sources[number % len(sources)])
    return photos


def _bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        found = re.findall(r"^Pss_(?:Anon|Shmem):\s+(\d+) kB", text, re.MULTILINE)
        return sum(map(int, found)) << 10
    return 0


def _kinds(pid: int) -> Iterator[tuple[int, str]]:
    """Yields a process and its children, with what each is."""
    yield pid, "worker"
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, tasks.read_text().split()):
                # Until it is another program, it shares all of its parent's memory.
                if _LANE in Path(f"/proc/{child}/cmdline").read_bytes():
                    words = Path(f"/proc/{child}/environ").read_bytes()
                    yield child, "device" if b"CUDA_VISIBLE" in words else "lanes"


def samples(pid: int, out: Path, chunks: int) -> Iterator[tuple[float, Sample]]:
    """Yields how much of a night is done, and the memory at that moment."""
    while Path(f"/proc/{pid}").exists():
        found = Sample()
        for child, kind in _kinds(pid):
            found[kind] = found.get(kind, 0) + _bytes(child)
        done = len(list(out.glob("_runs/run_date=*/**/chunk-*.parquet")))
        if done >= chunks:  # the page that follows has lanes of its own
            return
        yield done / chunks, found
        time.sleep(0.1)


def measure(folder: Path, count: int, words: list[str]) -> dict[str, Any]:
    """Scores so many photos; returns what memory that took."""
    photos, out = draw_photos(folder, count), folder / f"out-{count}"
    night = ["--input", os.fspath(photos), "--output", os.fspath(out)]
    size = ["--chunk_size", "128", "--run_date", "2026-11-20"]
    command = [sys.executable, "-m", "pipelines.cli", "score", *night, *size, *words]
    with out.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        found = list(samples(process.pid, out, -(-count // 128)))
        if process.wait():
            raise SystemExit(out.with_suffix(".log").read_text())
    totals = [(done, sum(sample.values())) for done, sample in found]
    quarters = [
        [total for done, total in totals if first <= done < first + 0.25]
        for first in (0, 0.25, 0.5, 0.75)
    ]
    kinds = sorted({kind for _, sample in found for kind in sample})
    return {
        "photos": count,
        "peak_mib": round(max(total for _, total in totals) / _MIB, 1),
        "of": {
            kind: round(max(sample.get(kind, 0) for _, sample in found) / _MIB, 1)
            for kind in kinds
        },
        "quarters_mib": [round(mean(each) / _MIB, 1) for each in quarters if each],
    }


def parser() -> argparse.ArgumentParser:
    """Returns what the command understands."""
    made = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    made.add_argument("--counts", type=int, nargs="+", default=[500, 5000])
    made.add_argument("--model", nargs="+", default=["voc21"])
    made.add_argument("--lanes", default="2")
    made.add_argument("words", nargs="*", help="of fcn score")
    return made


def main() -> None:
    """Measures and prints one JSON object a count."""
    asked = parser().parse_args()
    words = ["--model", *asked.model, "--lanes", asked.lanes, *asked.words]
    for count in asked.counts:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(Path(folder), count, words)), flush=True)


if __name__ == "__main__":
    main()
