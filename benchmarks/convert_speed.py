"""`fcn convert voc`, with every check, against the bound of the hardware and two peers.

    python -m benchmarks.convert_speed --voc VOCdevkit/VOC2012 [--pairs 20000]

Repeats the pairs of a VOC tree under new ids, each photo with its own bytes, converts
them in every way in turn, each in a process of its own, and prints pairs per second and
ratios as JSON. The medians of `--rounds` turns are compared; the machine should do
nothing else.
"""

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.convert_peers import WAYS
from fcn_core.datasets.pascal import drawn, voc

OURS = "fcn convert voc"


def repeat_pairs(source: Path, root: Path, count: int) -> list[str]:
    """Makes a VOC tree of `count` pairs out of a smaller one; returns the new ids.

    Each photo carries its new id as a comment: copies would count as duplicates.
    """
    labelled = [
        name
        for name in (source / voc.list_path("trainval")).read_text().split()
        if (source / voc.label_path(name)).exists()
    ]
    ids = [f"{1000 + n // 10**6:04}_{n % 10**6:06}" for n in range(count)]
    for path_of in (voc.image_path, voc.label_path):
        (root / path_of("x")).parent.mkdir(parents=True)
    for old, new in zip(itertools.cycle(labelled), ids, strict=False):
        photo = (source / voc.image_path(old)).read_bytes()
        (root / voc.image_path(new)).write_bytes(_commented(photo, new.encode()))
        _link(source / voc.label_path(old), root / voc.label_path(new))
    drawn.write_list(root, "train", ids)
    return ids


def _commented(photo: bytes, words: bytes) -> bytes:
    """Returns a JPEG file with a comment segment after its first marker."""
    length = (len(words) + 2).to_bytes(2, "big")
    return photo[:2] + b"\xff\xfe" + length + words + photo[2:]


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or not ours to link to
        shutil.copyfile(source, target)


def _run(way: str, root: Path, out: Path) -> tuple[float, float, int]:
    """Returns seconds, seconds of CPU, and the largest process's peak in bytes."""
    if way == OURS:
        words = ["pipelines.cli", "convert", "voc", "--input", str(root)]
        words += ["--output", str(out), "--json"]
    else:
        words = ["benchmarks.convert_speed", "--way", way, "--root", str(root)]
        words += ["--out", str(out)]
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise RuntimeError(f"{way} ended with {status}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs every way `--rounds` times in turn; returns figures and ratios."""
    ways = [OURS, *arguments.ways]
    runs: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    sizes = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        root = Path(name) / "VOC2012"
        ids = repeat_pairs(arguments.voc, root, arguments.pairs)
        _run("bound", root, _empty(Path(name) / "warm"))  # files into the cache
        for _ in range(arguments.rounds):
            for way in ways:
                out = _empty(Path(name) / "out")
                runs[way].append(_run(way, root, out))
                sizes[way] = sum(p.stat().st_size for p in out.rglob("*.tf*"))
        rate = {w: len(ids) / statistics.median(r[0] for r in runs[w]) for w in ways}
    return {
        "pairs": len(ids),
        "rounds": arguments.rounds,
        "cores": len(os.sched_getaffinity(0)),
        "pairs_per_second": {way: round(rate[way], 1) for way in ways},
        "cpu_milliseconds_per_pair": {
            way: round(1000 * statistics.median(r[1] for r in runs[way]) / len(ids), 3)
            for way in ways
        },
        "peak_megabytes_of_a_process": {
            way: round(max(r[2] for r in runs[way]) / 2**20) for way in ways
        },
        "megabytes": {way: round(size / 2**20, 1) for way, size in sizes.items()},
        "speed_of_ours_to": {w: round(rate[OURS] / rate[w], 2) for w in ways[1:]},
        "size_to_ours": {
            way: round(size / sizes[OURS], 2) for way, size in sizes.items() if size
        },
    }


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def main() -> None:
    """Prints the measured figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--voc", type=Path, help="the folder VOCdevkit/VOC2012")
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--folder", type=Path, help="where there is room")
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        ids = (arguments.root / voc.list_path("train")).read_text().split()
        WAYS[arguments.way](arguments.root, ids, arguments.out)
    else:
        print(json.dumps(measure(arguments), indent=1))


if __name__ == "__main__":
    main()
