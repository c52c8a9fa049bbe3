"""How much time and memory planning, opening and ending a night takes, by its size.

    python -m benchmarks.night_plan_speed [--photos 1000000] [--look] [--end 0]

Draws a Parquet manifest of so many photos in mixed order and plans two nights of it:
the first takes all, the second finds nothing new. Then a worker opens a run of eight
chunks in the middle of the first. Photos are not there; unless `--look` is given, the
listing knows their versions, as that of a bucket does, and no file is looked at. With
`--end N` a night of N drawn rows is added up, merged, committed and read for the page.
Each step is a process of its own: seconds of the clock and of the processor, peak
memory.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_BLOCK = 500_000
_STRIDE = 7_368_787  # a prime: each number comes once, in mixed order
_VERSION = "1234567-1700000000000000000"
_MANIFEST = "photos.parquet"
_STEP = (
    "import sys; from benchmarks import night_plan_speed as n; n.{}(*sys.argv[1:]); "
    "n.print_usage()"
)


def draw_manifest(path: Path, count: int) -> None:
    """Writes a manifest of `count` photos that are not there."""
    with pq.ParquetWriter(path, pa.schema([("image_uri", pa.string())])) as writer:
        for first in range(0, count, _BLOCK):
            numbers = np.arange(first, min(count, first + _BLOCK)) * _STRIDE % count
            digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), 9, "0")
            uris = pc.binary_join_element_wise("/photos/IMG_", digits, ".jpg", "")
            writer.write_table(pa.table([uris], names=["image_uri"]))


def plan(out: str, run_date: str, look: str) -> None:
    """Plans a night of the manifest beside an output."""
    from pipelines import files
    from pipelines.score.config import ScoreConfig
    from pipelines.score.nights import plan_night

    def pins(of: Iterable[str]) -> Iterator[files.Pinned]:
        return (files.Pinned(uri, _VERSION, None) for uri in of)

    if not look:
        files.pins = pins
    manifest = str(Path(out).parent / _MANIFEST)
    words = ["--input", manifest, "--output", out, "--run_date", run_date]
    plan_night(ScoreConfig.parse(words)[0])


def open_run(out: str) -> None:
    """Opens a run of chunks of the first plan, as a worker does; prints its seconds."""
    from pipelines.score import sequence
    from pipelines.score.plan import PlannedNight

    start = time.perf_counter()
    first = sequence.read_all(out)[0]
    night = PlannedNight(out, first)
    pieces, middle = night.items(), first.chunks // 2
    for chunk in range(middle, min(middle + 8, first.chunks)):
        night.commit()
        pieces.chunk(chunk)
    print(json.dumps({"open_seconds": round(time.perf_counter() - start, 3)}))


def draw_night(out: str, count: str) -> None:
    """Writes a night of so many drawn rows, all its parts."""
    from pipelines.score import parts
    from tests.drawn import night_plans

    night = night_plans.plan_night(Path(out), int(count), chunk_size=256)
    for chunk in range(night.plan.chunks):
        items, rows = night_plans.rows_of(night, chunk)
        rows = [replace(row, mask_path=None) for row in rows]
        parts.write_part(night, chunk, items=items, rows=rows, masks_bytes=0)


def end(out: str) -> None:
    """Ends a night: adds it up, publishes it, reads its table for the page."""
    from pipelines.pages import night_table
    from pipelines.score import parts, publish, sequence, table
    from pipelines.score.plan import PlannedNight
    from pipelines.score.rows import SCORES_SCHEMA

    night = PlannedNight(out, sequence.read_all(out)[0])
    publish.publish(night, parts.add_up(night))
    batches = table.batches(night.folder, SCORES_SCHEMA.names)
    night_table.read(batches, scales={"aesthetics": (1, 10)}, sample_size=200)


def measure(step: str, *words: str) -> dict[str, float]:
    """Runs a step in a process of its own; returns what it took."""
    start = time.perf_counter()
    command = [sys.executable, "-c", _STEP.format(step), *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return {
        "seconds": round(time.perf_counter() - start, 1),
        **{
            k: v
            for line in done.stdout.splitlines()
            for k, v in json.loads(line).items()
        },
    }


def print_usage() -> None:
    """Prints this process's processor time and peak memory.

    What a parent is told of a child's peak is at least what itself had when it forked.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = int(status.partition("VmHWM:")[2].split()[0])
    cpu_seconds = round(usage.ru_utime + usage.ru_stime, 1)
    megabytes = round(kilobytes / 1024)
    print(json.dumps({"cpu_seconds": cpu_seconds, "peak_megabytes": megabytes}))


def main() -> None:
    """Prints the measured figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--look", action="store_true")
    parser.add_argument("--end", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        out = str(Path(name) / "out")
        draw_manifest(Path(name) / _MANIFEST, arguments.photos)
        look = "look" if arguments.look else ""
        steps = {
            "first": measure("plan", out, "2026-11-20", look),
            "nothing_new": measure("plan", out, "2026-11-21", look),
            "open_run": measure("open_run", out),
        }
        if arguments.end:
            ended = str(Path(name) / "ended")
            measure("draw_night", ended, str(arguments.end))
            steps["end"] = measure("end", ended)
    print(json.dumps({"photos": arguments.photos, **steps}, indent=1))


if __name__ == "__main__":
    main()
