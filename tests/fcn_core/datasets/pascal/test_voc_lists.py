"""VOC's lists: of other years, with columns, and of trees with names of one's own."""

from pathlib import Path

import pytest

from fcn_core.datasets.pascal import voc
from tests.drawn.tiny_data import read, voc_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A drawn VOC, whose list of a split each test replaces."""
    return voc_tree(tmp_path / "VOC2012", train=2, val=1)


@pytest.mark.parametrize("text", [b"%s  -1\n%s\t1\n", b"%s 0\r\n%s -1\r\n"])
@pytest.mark.parametrize(
    ("ids", "published", "is_own"),
    [
        (("2007_000000", "2007_000001"), 1464, False),
        (("000005", "000007"), 209, False),
        (("frame-01", "IMG_0001.v2"), None, True),
        (("caf\u00e9", "2007_1"), None, True),
    ],
)
def test_lists_of_other_years_and_own_trees(
    tree: Path, text: bytes, ids: tuple[str, str], published: int | None, is_own: bool
) -> None:
    data = text % tuple(one.encode() for one in ids)
    (tree / voc.list_path("train")).write_bytes(data)
    listed = voc.split_ids(str(tree), "train", read)
    assert listed.ids == ids
    assert listed.rejected == ()
    assert voc.published("train", ids) == published
    assert voc.is_own(ids) == is_own


@pytest.mark.parametrize("line", [b"../up", b"a/b", b".hidden", b"two words", b"a\\b"])
def test_what_is_no_name_of_an_own_tree(tree: Path, line: bytes) -> None:
    (tree / voc.list_path("train")).write_bytes(b"frame-01\n" + line + b"\n")
    listed = voc.split_ids(str(tree), "train", read)
    assert listed.ids == ("frame-01",)
    assert [bad.reason for bad in listed.rejected] == ["bad-list-line"]
