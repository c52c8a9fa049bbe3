"""Nights with real masks: scored once, copied for each test."""

import shutil
from pathlib import Path

import pytest

from tests.doubles import warm_lane
from tests.runs import score_runs

OLD, YOUNG = "2020-01-01", "2020-02-15"
TODAY = "2020-03-01"
"""60 days after the old night, 15 after the young one."""

FLAGS = ("--chunk_size=2", "--lanes=1", "--model", "voc21")


@pytest.fixture(
    scope="package", params=["tar", pytest.param("png", marks=pytest.mark.slow)]
)
def whole(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder with photos and the output of an old and a young night."""
    root = tmp_path_factory.mktemp(request.param)
    flags = (*FLAGS, f"--masks={request.param}")
    score_runs.add_photos(root / "photos", 3)
    (root / "photos/photo-900.jpg").write_bytes(b"\xff\xd8 broken")
    for night, first in ((OLD, 0), (YOUNG, 10)):
        score_runs.add_photos(root / "photos", 3, first=first)
        with warm_lane.warm():
            score_runs.scored(root / "photos", root / "out", *flags, night=night)
    return root


@pytest.fixture
def out(whole: Path, tmp_path: Path) -> Path:
    """The output, to be pruned."""
    return shutil.copytree(whole / "out", tmp_path / "out")
