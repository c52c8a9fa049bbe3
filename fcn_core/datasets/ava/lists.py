"""What comes with AVA.txt: lists of ids, styles, and the names of tags and challenges.

Layout beside AVA.txt: `tags.txt`, `challenges.txt` (id and name a line),
`aesthetics_image_lists/*.jpgl`, `style_image_lists/{styles.txt,train.jpgl,train.lab,
test.jpgl,test.multilab}`. All of it may be absent where it is not asked for.
"""

import dataclasses
from collections.abc import Mapping
from typing import Final

from fcn_core.datasets.ava.table import ID
from fcn_core.datasets.bad_record import ListError, MissingDatasetError
from fcn_core.datasets.makers import Read
from fcn_core.datasets.splits import IdList, read_ids, read_list

GENERIC_TEST: Final = "generic_test"
"""The list that everybody tests on; 70 of its 20,000 ids are in no version of AVA."""

NUM_STYLES: Final = 14

_PACKAGE: Final = "the AVA package (AVA.txt, aesthetics_image_lists, ...)"


@dataclasses.dataclass(frozen=True, slots=True)
class Names:
    """Names by id; empty where the package lacks them.

    AVA names fewer challenges than its table has, so an id without a name is normal.
    """

    tags: Mapping[int, str]
    challenges: Mapping[int, str]
    styles: Mapping[int, str]


def list_path(name: str) -> str:
    """Returns where a list of ids lies, relative to AVA.txt's folder."""
    return f"aesthetics_image_lists/{name}.jpgl"


def split_ids(root: str, name: str, read: Read) -> IdList:
    """Returns the ids of a list of `aesthetics_image_lists`.

    Raises:
        MissingDatasetError: No such list.
    """
    ids = read_ids(root, list_path(name), read, pattern=ID)
    if ids is None:
        raise MissingDatasetError(
            f"{root}: got no {list_path(name)}, expected it beside AVA.txt; unpack "
            f"{_PACKAGE} there"
        )
    return ids


def read_names(root: str, read: Read) -> Names:
    """Returns the names of tags, challenges and styles, as far as they are there.

    Raises:
        ListError: A line is not an id and a name.
    """
    return Names(
        tags=_read_names(root, "tags.txt", read),
        challenges=_read_names(root, "challenges.txt", read),
        styles=_read_names(root, "style_image_lists/styles.txt", read),
    )


def read_styles(root: str, read: Read) -> Mapping[str, tuple[int, ...]]:
    """Returns the style ids, 1..14, of each photo that has any; both lists together.

    Raises:
        ListError: A list and its labels do not fit together.
    """
    styles: dict[str, tuple[int, ...]] = {}
    for name, labels in (("train", "train.lab"), ("test", "test.multilab")):
        ids_path, labels_path = (
            f"style_image_lists/{name}.jpgl",
            f"style_image_lists/{labels}",
        )
        ids, rows = (_lines(root, path, read) for path in (ids_path, labels_path))
        if len(ids) != len(rows):
            raise ListError(
                f"{ids_path} has {len(ids)} lines, {labels_path} {len(rows)}, expected "
                "as many; unpack the package again"
            )
        for source_id, row in zip(ids, rows, strict=True):
            if found := _style_ids(row, labels_path):
                styles[source_id] = found
    return styles


def _style_ids(row: str, path: str) -> tuple[int, ...]:
    """Returns what one line of labels says: one style id, or 14 columns of 0 or 1."""
    fields = row.split()
    if len(fields) == 1 and fields[0].isascii() and fields[0].isdigit():
        if 1 <= int(fields[0]) <= NUM_STYLES:
            return (int(fields[0]),)
    elif len(fields) == NUM_STYLES and set(fields) <= {"0", "1"}:
        return tuple(i for i, field in enumerate(fields, start=1) if field == "1")
    raise ListError(
        f"{path}: got the line {row[:60]!a}, expected a style 1..{NUM_STYLES} or "
        f"{NUM_STYLES} columns of 0 and 1; unpack the package again"
    )


def _read_names(root: str, path: str, read: Read) -> Mapping[int, str]:
    names = {}
    for line in _lines(root, path, read):
        number, _, name = line.partition(" ")  # names have blanks, too
        if not (number.isascii() and number.isdigit() and name.strip()):
            raise ListError(
                f"{path}: got the line {line[:60]!a}, expected an id and a name; "
                "unpack the package again"
            )
        names[int(number)] = name.strip()
    return dict(sorted(names.items()))


def _lines(root: str, path: str, read: Read) -> list[str]:
    data = read_list(root, path, read) or b""
    text = data.decode("utf-8-sig", "backslashreplace")
    return [line.strip() for line in text.splitlines() if line.strip()]
