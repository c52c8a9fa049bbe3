"""How much time and memory the plan of a million photos takes: lists only.

    python -m benchmarks.plan_speed [--ids 1000000]

Draws a VOC train list (and a small val list) with that many ids, without any
photos, and plans its conversion in a process of its own: list read and checked, leaks
looked for, entries dealt to shards by hash, sorted, written as Parquet, plan frozen.
Prints seconds from the process's start to its end, and its peak memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fcn_core.datasets.pascal import drawn

_PLAN = """
import sys
from pathlib import Path
from benchmarks import plan_speed
plan_speed.plan(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def draw_lists(root: Path, count: int) -> None:
    """Writes a train list of `count` ids and a val list of a tenth as many."""
    ids = [f"{2000 + n // 10**6:04}_{n % 10**6:06}" for n in range(count + count // 10)]
    drawn.write_list(root, "train", ids[:count])
    drawn.write_list(root, "val", ids[count:])


def plan(root: Path, out: Path) -> int:
    """Plans what `fcn convert voc` would do; returns the number of shards."""
    from pipelines.convert.config import ConvertVocConfig
    from pipelines.convert.drafts.draft import make_draft
    from pipelines.convert.drafts.pascal import draft_voc
    from pipelines.convert.plan import plan_conversion

    words = ["--input", str(root), "--output", str(out)]
    config, _ = ConvertVocConfig.parse(words)
    draft = make_draft(draft_voc, config)
    conversion = plan_conversion(draft, str(out), num_shards=None, allow_leak=False)
    assert conversion is not None
    return conversion.plan.chunks


def main() -> None:
    """Prints the measured figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--ids", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "VOC2012"
        draw_lists(root, arguments.ids)
        start = time.perf_counter()
        command = [sys.executable, "-c", _PLAN, str(root), str(Path(name) / "out")]
        process = subprocess.Popen(command)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"planning ended with {status}")
    figures = {
        "ids": arguments.ids + arguments.ids // 10,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_megabytes": round(usage.ru_maxrss / 1024),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
