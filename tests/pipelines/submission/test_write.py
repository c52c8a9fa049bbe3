"""`fcn voc_submission`: files that the test server takes, or a line that says why."""

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_core import images
from fcn_core.labels import VOC_PALETTE
from pipelines.housekeeping.prune import Rule, prune
from pipelines.submission import masks
from pipelines.submission.masks import MaskError
from tests.runs import score_runs

pytestmark = pytest.mark.usefixtures("warm_lanes")

INSIDE = "results/VOC2012/Segmentation/comp6_test_cls"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night of three photos and a broken one."""
    root = tmp_path_factory.mktemp("night")
    score_runs.add_photos(root / "photos", 3)
    (root / "photos/broken.jpg").write_bytes(b"no photo")
    flags = ("--model", "voc21", "--masks", "tar", "--lanes", "1")
    score_runs.scored(root / "photos", root / "out", *flags)
    return root / "out"


def submit(scored: Path, output: Path, *more: str | Path) -> score_runs.Ended:
    return score_runs.fcn("voc_submission", scored, "--output", output, *more)


def test_writes_what_the_server_takes(scored: Path, tmp_path: Path) -> None:
    ids = tmp_path / "test.txt"
    ids.write_text("photo-000\r\nphoto-002\n\n")
    output = tmp_path / "sub"
    ended = submit(scored, output, "--ids", ids, "--tar")
    assert ended.code == 0, ended.stderr
    assert "2 masks written and checked, as many as ids listed" in ended.stdout
    written = sorted((output / INSIDE).iterdir())
    assert [path.name for path in written] == ["photo-000.png", "photo-002.png"]
    rows = score_runs.by_name(score_runs.table(scored))
    for path in written:
        row = rows[f"{path.stem}.jpg"]
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("P", (row["width"], row["height"]))
            assert image.getpalette("RGB") == VOC_PALETTE.ravel().tolist()
            ids_there = np.unique(np.asarray(image)).tolist()
        assert ids_there == row["segmentation_classes"]
    with tarfile.open(output / "results.tar") as tar:
        assert tar.getnames() == [f"{INSIDE}/{path.name}" for path in written]
    assert submit(scored, output, "--ids", ids).code == 2  # not empty any more


def test_failed_and_missing_photos_are_named_and_nothing_is_written(
    scored: Path, tmp_path: Path
) -> None:
    ended = submit(scored, tmp_path / "all")
    assert ended.code == 3
    assert "1 of 4 photos have no mask: broken (not-an-image)" in ended.stderr
    ids = tmp_path / "test.txt"
    ids.write_text("photo-001\n2008_000006\n")
    ended = submit(scored, tmp_path / "some", "--ids", ids)
    assert ended.code == 3
    assert "2008_000006 (not scored)" in ended.stderr
    assert not list(tmp_path.rglob("*.png"))
    ids.write_text("../photo-001\n")
    assert submit(scored, tmp_path / "bad", "--ids", ids).code == 2


def test_a_damaged_mask_stops_it(scored: Path, tmp_path: Path) -> None:
    ids = tmp_path / "test.txt"
    ids.write_text("photo-000\n")
    (tar,) = scored.glob("masks/*/*/*.tar")
    data = tar.read_bytes()
    position = data.index(b"IDAT") + 8
    try:
        damaged = data[:position] + b"????" + data[position + 4 :]
        tar.write_bytes(damaged)
        ended = submit(scored, tmp_path / "sub", "--ids", ids)
    finally:
        tar.write_bytes(data)
    assert ended.code == 1
    assert "photo-000: " in ended.stderr
    assert "has other bytes than its row says" in ended.stderr


def test_masks_are_checked_and_mapped_by_name() -> None:
    class_map = np.array([[0, 1], [2, 20]], np.uint8)
    png = images.encode_mask(class_map)
    turned = masks.convert_mask(png, shape=(2, 2), class_ids=range(20, -1, -1))
    assert np.array_equal(images.decode_mask(turned), 20 - class_map)
    with pytest.raises(MaskError, match="the mask is 2 x 2, the photo 3 x 2"):
        masks.convert_mask(png, shape=(2, 3), class_ids=range(21))
    void = images.encode_mask(np.full((2, 2), 255, np.uint8))
    with pytest.raises(MaskError, match="the value 255, expected at most 20"):
        masks.convert_mask(void, shape=(2, 2), class_ids=range(21))


def test_the_check_finds_what_the_server_refuses() -> None:
    import hashlib

    def check(data: bytes) -> None:
        masks.check(data, hashlib.sha256(data).digest())

    good = images.encode_mask(np.array([[0, 20]], np.uint8))
    check(good)
    with pytest.raises(MaskError, match="other bytes"):
        masks.check(good + b"x", hashlib.sha256(good).digest())
    with pytest.raises(MaskError, match="not 8 bits deep with a palette"):
        check(images.encode_grey(np.array([[0, 20]], np.uint8)))
    with pytest.raises(MaskError, match="the value 255"):
        check(images.encode_mask(np.array([[0, 255]], np.uint8)))


def test_masks_that_a_rule_removed_are_named_as_such(
    scored: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(scored, tmp_path / "out")
    ids = tmp_path / "test.txt"
    ids.write_text("photo-000\n")
    prune(str(out), rule=Rule(0, "2030-01-01"), preview=False)
    ended = submit(out, tmp_path / "sub", "--ids", ids)
    assert ended.code == 2
    assert "photo-000: masks pruned on 2030-01-01 by rule" in ended.stderr
    assert not (tmp_path / "sub").exists() or not any((tmp_path / "sub").iterdir())
