"""What lies below a user's folder: photos, and what is counted beside them."""

from pathlib import Path

import pytest

from pipelines import files
from pipelines.convert.drafts.found import list_files
from pipelines.faults import UsageError
from tests.runs.listings import touch


def test_photos_are_sorted_and_the_rest_is_counted(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a/c.png", "notes.txt", ".hidden.jpg", "out/x.jpg")
    touch(tmp_path, "#recycle/old.jpg", "a/tmp_1.jpg", "a/tmp_2.jpg")
    root = files.to_uri(tmp_path)
    found = list_files(root, leave_out=[f"{root}/out"], exclude=["tmp_*"])
    assert found.paths == ["a/c.png", "b.JPG"]
    assert (found.ignored, found.rejected) == (1, [])
    assert found.remarks == [
        "1 files ignored (no photos by their names)",
        "left out by name: #recycle 1, tmp_* 2",
    ]
    found.check_some("--input", "photos")


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    found = list_files(files.to_uri(tmp_path), leave_out=[], exclude=[])
    with pytest.raises(UsageError, match="got nothing but 1 other files in that"):
        found.check_some("--input x", "photos")
