"""A night in a container of 900 MiB: one photo too many is a row, never the night."""

import os
import shlex
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines import files
from tests.runs import score_runs

LIMIT_BYTES = 900 << 20


def limited_group(folder: Path) -> Path:
    """Makes a control group with the limit; OSError where that is not allowed."""
    group = folder / f"fcn-test-{uuid.uuid4().hex[:8]}"
    group.mkdir()
    for name in ("memory.limit_in_bytes", "memory.max"):
        if (group / name).exists():
            (group / name).write_text(str(LIMIT_BYTES))
            return group
    group.rmdir()
    raise FileNotFoundError(f"{folder} has no memory controller")


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group with the limit; needs root, and a hierarchy to write in."""
    reasons = []
    for folder in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        try:
            made = limited_group(folder)
        except OSError as error:
            reasons.append(f"{error}")
            continue
        yield made
        made.rmdir()
        return
    pytest.skip(f"no control group with a memory limit: {'; '.join(reasons)}")


def draw_large_photo(path: Path) -> None:
    """Draws a JPEG of 47 megapixels."""
    noise = np.random.default_rng(0).integers(0, 256, (28, 42, 3), np.uint8)
    drawn = Image.fromarray(noise).resize((8400, 5600), Image.Resampling.BILINEAR)
    drawn.save(path, "JPEG", quality=80)


def test_a_photo_that_needs_more_than_there_is_costs_one_row(
    group: Path, tmp_path: Path, segmentation_bundle: Path
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    score_runs.add_photos(photos, 21, side=100)
    draw_large_photo(photos / "photo-009-large.jpg")
    words = score_runs.words(
        photos, out, "--model", os.fspath(segmentation_bundle), "--lanes", "2"
    )
    command = shlex.join([sys.executable, "-m", "pipelines.cli", *words])
    ended = subprocess.run(
        ["sh", "-c", f"echo $$ > {group}/cgroup.procs && exec {command}"],
        cwd=Path(files.__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = score_runs.statuses(score_runs.table(out))
    assert len(found) == 22
    assert found.pop("photo-009-large.jpg") in ("ok", "out-of-memory")
    assert set(found.values()) == {"ok"}
