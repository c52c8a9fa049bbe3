"""Lists of which photos are in which split."""

import unicodedata

import pytest

from fcn_core.datasets.bad_record import BadRecord
from fcn_core.datasets.own.split_lists import deal_listed

NOTES = {"a": "1", "b": "2", "sub/c": "3", "caf\u00e9": "4", "two words": "5"}
ORPHAN = BadRecord("missing-label", "no mask", stage="list", source_id="lonely")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a", "a"),
        ("a.jpg", "a"),
        ("./a.jpg", "a"),
        ("JPEGImages/a.jpg SegmentationClass/a.png", "a"),
        ("a  -1", "a"),
        ("a,train", "a"),
        ("sub/c.png", "sub/c"),
        ("c", "sub/c"),
        (unicodedata.normalize("NFD", "caf\u00e9.jpg"), "caf\u00e9"),
        ("two words.jpg", "two words"),
        ("two words.jpg 1 0", "two words"),
    ],
)
def test_a_line_names_a_photo(line: str, expected: str) -> None:
    for data in (
        line.encode(),
        f"\ufeff\r\n{line}\r\n".encode(),
        line.encode("utf-16"),
    ):
        splits, unlisted = deal_listed(NOTES, [], {"train": data})
        assert splits["train"].ids == (expected,)
        assert splits["train"].notes == (NOTES[expected],)
        assert splits["train"].rejected == ()
        assert unlisted == len(NOTES) - 1


def test_each_line_is_accounted_for() -> None:
    lists = {"train": b"b\na\nb\nnowhere\nlonely\n", "val": b"c\n"}
    splits, unlisted = deal_listed(NOTES, [ORPHAN], lists)
    assert splits["train"].ids == ("b", "a")
    assert [bad.reason for bad in splits["train"].rejected] == [
        "duplicate-id",
        "missing-image",
        "missing-label",
    ]
    assert splits["train"].read == 5
    assert splits["val"].ids == ("sub/c",)
    assert unlisted == 2


def test_a_file_name_that_two_photos_have_names_none() -> None:
    splits, _ = deal_listed({"x/a": "", "y/a": ""}, [], {"train": b"a\nx/a\n"})
    assert splits["train"].ids == ("x/a",)
    assert [bad.reason for bad in splits["train"].rejected] == ["missing-image"]
