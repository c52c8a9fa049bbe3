"""AVA's lists: names, styles, ids."""

from pathlib import Path

import pytest

from fcn_core.datasets.ava import lists
from fcn_core.datasets.bad_record import ListError, MissingDatasetError
from tests.drawn.tiny_data import read


def test_names_and_styles_are_read(package: Path) -> None:
    names = lists.read_names(str(package), read)
    assert names.tags == {7: "Black and White, or (so)", 22: "Abstract"}
    assert names.challenges == {1396: "One_Of_Many"}
    assert len(names.styles) == 14
    styles = lists.read_styles(str(package), read)
    assert styles == {"2": (3,), "3": (14,), "5": (2, 14)}


def test_lists_that_are_absent_are_nothing(tmp_path: Path) -> None:
    assert lists.read_names(str(tmp_path), read).tags == {}
    assert lists.read_styles(str(tmp_path), read) == {}
    with pytest.raises(MissingDatasetError, match=r"generic_test\.jpgl.*AVA package"):
        lists.split_ids(str(tmp_path), "generic_test", read)


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("tags.txt", "x Abstract\n", "an id and a name"),
        ("style_image_lists/train.lab", "3\n", "2 lines"),
        ("style_image_lists/train.lab", "3\n15\n", "14 columns"),
        ("style_image_lists/test.multilab", "0 1\n0 1\n", "14 columns"),
    ],
)
def test_lists_that_contradict_themselves_are_refused(
    package: Path, path: str, text: str, message: str
) -> None:
    (package / path).write_text(text)
    with pytest.raises(ListError, match=message):
        lists.read_names(str(package), read)
        lists.read_styles(str(package), read)
