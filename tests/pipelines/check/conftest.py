"""A night to be damaged: scored once, copied for each test."""

import shutil
from pathlib import Path

import pytest

from tests.doubles import warm_lane
from tests.runs import score_runs

FLAGS = ("--chunk_size=2", "--model", "voc21")


@pytest.fixture(scope="package", params=["png", "tar"])
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with photos and the output of their night, one of them broken."""
    root = tmp_path_factory.mktemp(request.param)
    score_runs.add_photos(root / "photos", 4)
    (root / "photos" / "photo-900.jpg").write_bytes(b"\xff\xd8 broken")
    flags = (*FLAGS, f"--masks={request.param}")
    with warm_lane.warm():
        score_runs.scored(root / "photos", root / "out", *flags)
    return root


@pytest.fixture
def out(whole: Path, tmp_path: Path) -> Path:
    """The output, to be damaged."""
    return shutil.copytree(whole / "out", tmp_path / "out")
