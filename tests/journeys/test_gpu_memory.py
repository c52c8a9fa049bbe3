"""Memory of a night around a device does not grow with the number of photos."""

import contextlib
import os
import re
import time
from pathlib import Path

import pytest

from tests.runs import score_runs

pytestmark = pytest.mark.slow


def link_photos(folder: Path, count: int) -> Path:
    """Draws a few photos, and gives them many names."""
    drawn = folder.with_name("drawn")
    if not drawn.exists():
        score_runs.add_photos(drawn, 20, side=200)
    folder.mkdir()
    sources = sorted(drawn.iterdir())
    for number in range(count):
        (folder / f"{number:05}.jpg").hardlink_to(sources[number % len(sources)])
    return folder


def proportional_bytes(pid: int) -> int:
    """Returns the memory of a process, its share of what is shared."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        if found := re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE):
            return int(found[1]) << 10
    return 0


def peak_bytes(photos: Path, out: Path, *flags: str) -> int:
    """Scores photos; returns the most memory that all processes had at once.

    Up to the last chunk: the page that follows has lanes of its own.
    """
    chunks = -(-len(list(photos.iterdir())) // 256)
    words = score_runs.words(photos, out, *flags)
    peak = 0
    with score_runs.attempt(words, out.with_name(f"{out.name}.log")) as attempt:
        while attempt.process.poll() is None and score_runs.part_count(out) < chunks:
            pids = [attempt.process.pid, *attempt.children()]
            peak = max(peak, sum(map(proportional_bytes, pids)))
            time.sleep(0.1)
        assert attempt.wait() == 0, attempt.log.read_text()
    return peak


def test_ten_times_the_photos_take_no_more_memory(
    segmentation_bundle: Path, tmp_path: Path
) -> None:
    flags = ["--model", os.fspath(segmentation_bundle), "--masks", "none"]
    flags += ["--device", "cpu", "--gpu_batch", "8", "--lanes", "2"]
    peaks = [
        peak_bytes(link_photos(tmp_path / f"{n}", n), tmp_path / f"out-{n}", *flags)
        for n in (500, 5000)
    ]
    # The most of ten times as many samples: 300 and 322 MiB were measured.
    assert peaks[1] <= 1.1 * peaks[0], [peak >> 20 for peak in peaks]
