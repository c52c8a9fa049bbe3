"""Pascal VOC, segmentation part: folders and lists of 2012, other years, own trees.

Layout below the root (VOCdevkit/VOC2012): `JPEGImages/<id>.jpg` (or `.jpeg`, `.png`),
`SegmentationClass/<id>.png`, `ImageSets/Segmentation/<split>.txt`. JPEGImages also
holds the detection photos, so the lists drive everything, never a folder listing.
"""

import re
from collections.abc import Sequence
from typing import Final

from fcn_core.datasets.bad_record import MissingDatasetError
from fcn_core.datasets.makers import Read
from fcn_core.datasets.splits import (
    IdList,
    matching,
    merge,
    parse_id_list,
    read_list,
)

PUBLISHED: Final = {"train": 1464, "val": 1449, "trainval": 2913}
"""How many ids the complete lists of VOC 2012 have."""

_PUBLISHED_2007: Final = {"train": 209, "val": 213, "trainval": 422, "test": 210}

ID: Final = re.compile(r"[0-9]{4}_[0-9]{6}")
"""What an id looks like since VOC 2008; SBD's are the same."""

_ID_2007: Final = re.compile(r"[0-9]{6}")

_OWN: Final = re.compile(r"[^\s./\\\x00-\x1f][^\s/\\\x00-\x1f]{0,199}")
"""What an id looks like in a tree of one's own with VOC's layout."""

_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")
"""Of photos; VOC's own are `.jpg`, trees of one's own have others."""

_ARCHIVE: Final = (
    "VOCtrainval_11-May-2012.tar (sha1 4e443f8a2eca6b1dac8a6c57641b67dd40621a49)"
)


def list_path(split: str) -> str:
    """Returns where the list of a split lies, relative to the root."""
    return f"ImageSets/Segmentation/{split}.txt"


def image_path(source_id: str) -> str:
    """Returns where the photo of an id lies, relative to the root."""
    return f"JPEGImages/{source_id}.jpg"


def image_paths(source_id: str) -> tuple[str, ...]:
    """Returns where the photo of an id may lie, relative to the root, likely first."""
    path = image_path(source_id).removesuffix(".jpg")
    return tuple(path + suffix for suffix in _SUFFIXES)


def label_path(source_id: str) -> str:
    """Returns where the class label of an id lies, relative to the root."""
    return f"SegmentationClass/{source_id}.png"


def splits_present(root: str, read: Read) -> tuple[str, ...]:
    """Returns the splits to convert when none is named.

    These are train and val, as far as their lists are there; `trainval` is their
    union and would hold every photo twice, so it stands in only where both lack.

    Raises:
        MissingDatasetError: None of the lists is there.
    """
    for names in (("train", "val"), ("trainval",)):
        found = tuple(
            name for name in names if read_list(root, list_path(name), read) is not None
        )
        if found:
            return found
    raise _missing(root, "ImageSets/Segmentation/{train,val,trainval}.txt")


def split_ids(root: str, split: str, read: Read) -> IdList:
    """Returns the ids of a split, in list order.

    Without a `trainval` list of its own, `trainval` is train and val together.

    Raises:
        MissingDatasetError: No such list.
    """
    path = list_path(split)
    data = read_list(root, path, read)
    if data is not None:
        pattern = ID if matching(data, ID) else _OWN
        return parse_id_list(data, pattern=pattern, path=path)
    if split == "trainval":
        return merge(split_ids(root, "train", read), split_ids(root, "val", read))
    raise _missing(root, list_path(split))


def is_own(ids: Sequence[str]) -> bool:
    """Returns whether ids are of no published VOC, so that its names may not fit."""
    return not any(ID.fullmatch(one) or _ID_2007.fullmatch(one) for one in ids)


def published(split: str, ids: Sequence[str]) -> int | None:
    """Returns how many ids the complete list of a split has; None for one's own."""
    if is_own(ids):
        return None
    counts = PUBLISHED if any(map(ID.fullmatch, ids)) else _PUBLISHED_2007
    return counts.get(split)


def _missing(root: str, path: str) -> MissingDatasetError:
    return MissingDatasetError(
        f"{root}: got no {path}, expected the folder VOCdevkit/VOC2012 of Pascal VOC "
        f"2012; unpack {_ARCHIVE} and name that folder, or convert folders of your own "
        "with fcn convert folder"
    )
