"""A bucket that is 50 ms away against the local disk: `fcn score`, disk to disk.

    python -m benchmarks.gcs_speed --photos VOC2012/JPEGImages --count 200 --pairs 3

The bucket is a server on this machine behind a proxy that makes every request take
longer; photos, plan, parts, masks and table all pass it. The first run of a pair writes
to the disk what the second writes to the bucket: masks as tars, the same chunks.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.score_speed import link_photos
from tests.doubles import gcs
from tests.doubles.fault_proxy import proxy


def score(photos: str, out: str, environment: dict[str, str]) -> float:
    """Returns the images/s of a night."""
    command = ["score", "--input", photos, "--output", out, "--masks", "tar", "--json"]
    ended = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(ended.stderr)
    return float(json.loads(ended.stdout)["images_per_second"])


def main() -> None:
    """Runs the pairs and prints their ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds a request")
    options = parser.parse_args()
    ratios = []
    with (
        tempfile.TemporaryDirectory() as name,
        gcs.server() as address,
        proxy(address, latency=options.latency) as far,
    ):
        folder = Path(name, "photos")
        folder.mkdir()
        link_photos(options.photos, folder, options.count)
        bucket = gcs.Bucket(address)
        bucket.put_tree(folder, "photos")
        store = {"STORAGE_EMULATOR_HOST": far.address}
        for pair in range(options.pairs):
            here, there = Path(name, "out"), bucket.uri(f"out-{pair}")
            disk = score(str(folder), str(here), {})
            shutil.rmtree(here)
            remote = score(bucket.uri("photos"), there, store)
            ratios.append(remote / disk)
            print(f"disk {disk:.2f}  bucket {remote:.2f}  ratio {ratios[-1]:.3f}")
        print(f"requests {sum(far.seen.values())}")
    print(f"bucket / disk, median of {len(ratios)}: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
