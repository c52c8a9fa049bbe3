"""Pascal VOC 2012, segmentation part: folders, lists, and a pair as a record.

Layout below the root (VOCdevkit/VOC2012): `JPEGImages/<id>.jpg`,
`SegmentationClass/<id>.png`, `ImageSets/Segmentation/<split>.txt`. JPEGImages also
holds the detection photos, so the lists drive everything, never a folder listing.
"""

import re
from collections.abc import Callable
from typing import Final

from fcn_core import images
from fcn_core.bad_image import BadImage
from fcn_core.datasets import BadRecord, MissingDatasetError
from fcn_core.datasets.label_png import read_label_png
from fcn_core.datasets.photo import check_photo, check_upright
from fcn_core.datasets.splits import IdList, merge, parse_id_list
from fcn_core.labels import VOC_CLASSES
from fcn_core.records import SegmentationRecord

Read = Callable[[str], bytes]
"""Returns a file's bytes; FileNotFoundError where there is none."""

PUBLISHED: Final = {"train": 1464, "val": 1449, "trainval": 2913}
"""How many ids the complete lists of VOC 2012 have."""

_ID: Final = re.compile(r"[0-9]{4}_[0-9]{6}")
_ARCHIVE: Final = (
    "VOCtrainval_11-May-2012.tar (sha1 4e443f8a2eca6b1dac8a6c57641b67dd40621a49)"
)


def list_path(split: str) -> str:
    """Returns where the list of a split lies, relative to the root."""
    return f"ImageSets/Segmentation/{split}.txt"


def image_path(source_id: str) -> str:
    """Returns where the photo of an id lies, relative to the root."""
    return f"JPEGImages/{source_id}.jpg"


def label_path(source_id: str) -> str:
    """Returns where the class label of an id lies, relative to the root."""
    return f"SegmentationClass/{source_id}.png"


def splits_present(root: str, read: Read) -> tuple[str, ...]:
    """Returns the splits to convert when none is named.

    These are train and val, as far as their lists are there; `trainval` is their
    union and would hold every photo twice, so it stands in only where both lack.

    Raises:
        MissingDatasetError: none of the lists is there.
    """
    for names in (("train", "val"), ("trainval",)):
        found = tuple(
            name for name in names if _read_list(root, name, read) is not None
        )
        if found:
            return found
    raise _missing(root, "ImageSets/Segmentation/{train,val,trainval}.txt")


def split_ids(root: str, split: str, read: Read) -> IdList:
    """Returns the ids of a split, in list order.

    Without a `trainval` list of its own, `trainval` is train and val together.

    Raises:
        MissingDatasetError: no such list.
    """
    data = _read_list(root, split, read)
    if data is not None:
        return parse_id_list(data, pattern=_ID, path=list_path(split))
    if split == "trainval":
        return merge(split_ids(root, "train", read), split_ids(root, "val", read))
    raise _missing(root, list_path(split))


def load_pair(root: str, source_id: str, read: Read) -> SegmentationRecord:
    """Reads and checks one pair.

    Raises:
        BadRecord: a file is missing or unreadable, or a check fails.
    """
    return make_record(source_id, *read_pair(root, source_id, read))


def read_pair(root: str, source_id: str, read: Read) -> tuple[bytes, bytes]:
    """Returns the bytes of a pair's photo and label.

    Raises:
        BadRecord: one of the two is missing or unreadable.
    """
    try:
        image = _read_part(root, image_path(source_id), read, "missing-image")
        label = _read_part(root, label_path(source_id), read, "missing-label")
    except BadRecord as bad:
        bad.source_id = source_id
        raise
    return image, label


def make_record(
    source_id: str, image_bytes: bytes, label_bytes: bytes
) -> SegmentationRecord:
    """Checks one pair and returns its record; the photo's bytes stay as they are.

    Raises:
        BadRecord: photo and label are not a pair that a model may learn from.
    """
    try:
        return _checked_record(source_id, image_bytes, label_bytes)
    except BadRecord as bad:
        bad.source_id = source_id
        raise


def _checked_record(
    source_id: str, image_bytes: bytes, label_bytes: bytes
) -> SegmentationRecord:
    image = image_path(source_id)
    photo = check_photo(image_bytes, path=image)
    check_upright(photo, path=image)
    class_map, classes = read_label_png(
        label_bytes,
        height=photo.height,
        width=photo.width,
        num_classes=len(VOC_CLASSES),
        path=label_path(source_id),
    )
    return SegmentationRecord(
        encoded=photo.data,
        format=photo.format,
        filename=image.rpartition("/")[2],
        source_id=source_id,
        sha256=photo.sha256,
        height=photo.height,
        width=photo.width,
        channels=photo.channels,
        orientation=photo.orientation,
        label=images.encode_grey(class_map),
        classes=classes,
        source="voc",
    )


def _read_part(root: str, path: str, read: Read, missing: str) -> bytes:
    try:
        return read(f"{root}/{path}")
    except FileNotFoundError as error:
        detail = "listed, but not there"
        raise BadRecord(missing, detail, stage="read", path=path) from error
    except BadImage as bad:
        raise BadRecord(bad.reason, bad.detail, stage="read", path=path) from bad


def _read_list(root: str, split: str, read: Read) -> bytes | None:
    try:
        return read(f"{root}/{list_path(split)}")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _missing(root: str, path: str) -> MissingDatasetError:
    return MissingDatasetError(
        f"{root}: got no {path}, expected the folder VOCdevkit/VOC2012 of Pascal VOC "
        f"2012; unpack {_ARCHIVE} and name that folder"
    )
