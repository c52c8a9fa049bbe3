"""What is left out of a list, and Unicode forms of patterns."""

import os
import unicodedata
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import files
from pipelines.faults import UsageError
from pipelines.score import inputs
from tests.runs.listings import names, touch

Form = Literal["NFC", "NFD"]
_FRENCH = ("caf\u00e9.jpg", "\u00e9t\u00e9/x.jpg", "\u00e9t\u00e9/caf\u00e9/y.jpg")
_GLOBS = {
    "caf\u00e9.*": [_FRENCH[0]],
    "\u00e9t\u00e9/*.jpg": [_FRENCH[1]],
    "**/caf\u00e9*/*": [_FRENCH[2]],
    "\u00e9t\u00e9/**/*.jpg": list(_FRENCH[1:]),
    "[\u00e9e]t\u00e9/*.jpg": [_FRENCH[1]],
}


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        (["*_old.jpg"], ["a.jpg", "x/small/c.jpg", "@eaDir/e.jpg"]),
        (["small"], ["a.jpg", "b_old.jpg", "@eaDir/e.jpg"]),
        (["x/*", "@eaDir"], ["a.jpg", "b_old.jpg"]),
        (["../other/*", "a.*", "b*"], ["x/small/c.jpg", "@eaDir/e.jpg"]),
    ],
)
def test_lines_of_a_list_can_be_excluded(
    tmp_path: Path, exclude: list[str], expected: list[str]
) -> None:
    named = ["a.jpg", "b_old.jpg", "x/small/c.jpg", "@eaDir/e.jpg"]
    touch(tmp_path / "in", *named)
    (tmp_path / "in" / "list.txt").write_text("\n".join(named))
    pq.write_table(pa.table({"image_uri": named}), tmp_path / "in" / "list.parquet")
    for name in ("list.txt", "list.parquet"):
        uri = os.fspath(tmp_path / "in" / name)
        output = files.to_uri(tmp_path / "out")
        listing = inputs.list_photos(uri, output=output, exclude=exclude)
        assert names(listing, tmp_path / "in") == sorted(expected)
        used = [pattern for pattern in exclude if "other" not in pattern]
        assert set(listing.aside.left_out) == set(used)


def test_patterns_fit_whole_paths_and_all_of_a_list(tmp_path: Path) -> None:
    touch(tmp_path, "far/a.jpg", "far/b.jpg", "in/c.jpg")
    (tmp_path / "in" / "list.txt").write_text("../far/a.jpg\n../far/b.jpg\nc.jpg\n")
    uri, output = f"{tmp_path}/in/list.txt", files.to_uri(tmp_path / "out")
    listing = inputs.list_photos(uri, output=output, exclude=[f"{tmp_path}/far/a*"])
    assert names(listing, tmp_path) == ["far/b.jpg", "in/c.jpg"]
    with pytest.raises(UsageError, match=r"got no photo \(left out by name: \*.jpg 3"):
        inputs.list_photos(uri, output=output, exclude=["*.jpg"])
    with pytest.raises(UsageError, match="--exclude: got a with one file"):
        inputs.list_photos(f"{tmp_path}/in/c.jpg", output=output, exclude=["a"])


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_a_glob_is_compared_in_one_normal_form(
    tmp_path: Path, stored: Form, typed: Form
) -> None:
    touch(tmp_path, *(unicodedata.normalize(stored, n) for n in _FRENCH))
    touch(tmp_path, "cafe.jpg", "ete/x.jpg")
    for pattern, expected in _GLOBS.items():
        uri = os.fspath(tmp_path / unicodedata.normalize(typed, pattern))
        output = files.to_uri(tmp_path / "out")
        listing = inputs.list_photos(uri, output=output)
        found = [unicodedata.normalize("NFC", n) for n in names(listing, tmp_path)]
        assert sorted(found) == sorted(expected)
