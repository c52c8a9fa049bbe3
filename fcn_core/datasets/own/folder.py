"""A user's own data: a folder of photos, and of masks or a table of ratings.

An id is a photo's path below its folder without the extension. Masks have the same
path below theirs. Which split an id belongs to is decided by its hash, so
adding a photo moves no other.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from fcn_core import images
from fcn_core.datasets.bad_record import BadRecord
from fcn_core.datasets.label_files.label_map import LabelMap
from fcn_core.datasets.label_files.own_mask import read_mask
from fcn_core.datasets.listing import Entry, Split
from fcn_core.datasets.makers import IMAGES_ROOT, Needed, Place
from fcn_core.datasets.photo import check_photo, check_upright
from fcn_core.records.record import SegmentationRecord

TARGETS_ROOT: Final = "targets"

Notes = Mapping[str, str]
"""id -> note of the entries that can be tried."""


def stem(path: str) -> str:
    """Returns a relative path without its extension: the id of what lies there."""
    folder, separator, name = path.rpartition("/")
    return folder + separator + (name.rpartition(".")[0] or name)


def pair_masks(
    photos: Iterable[str], masks: Iterable[str]
) -> tuple[Notes, list[BadRecord]]:
    """Pairs photos with masks; both are paths below their folders.

    Returns:
        The notes of whole pairs by id, and what is left over on either side.
    """
    by_id, rejected = _by_id(photos, "image")
    mask_by_id, double = _by_id(
        sorted(masks, key=lambda path: not path.lower().endswith(".png")), "mask"
    )
    rejected += double
    notes = {}
    for source_id in sorted(by_id.keys() | mask_by_id.keys()):
        photo, mask = by_id.get(source_id), mask_by_id.get(source_id)
        if photo is None or mask is None:
            rejected.append(_orphan(source_id, photo, mask))
        else:
            notes[source_id] = json.dumps([photo, mask])
    return notes, rejected


def _orphan(source_id: str, photo: str | None, mask: str | None) -> BadRecord:
    if mask is None:
        reason, detail = "missing-label", "a photo without a mask of its name"
    else:
        reason, detail = "missing-image", "a mask without a photo of its name"
    return BadRecord(
        reason, detail, stage="list", source_id=source_id, path=photo or mask or ""
    )


def _by_id(paths: Iterable[str], what: str) -> tuple[dict[str, str], list[BadRecord]]:
    """Returns id -> path, and the paths whose id is taken."""
    found: dict[str, str] = {}
    rejected = []
    for path in paths:
        source_id = stem(path)
        if source_id in found:
            detail = f"{what} {found[source_id]} has the same name"
            rejected.append(
                BadRecord(
                    "duplicate-id",
                    detail,
                    stage="list",
                    source_id=source_id,
                    path=path,
                )
            )
        else:
            found[source_id] = path
    return found, rejected


def deal(
    notes: Notes,
    rejected: Sequence[BadRecord],
    shares: Mapping[str, Fraction],
) -> dict[str, Split]:
    """Divides entries by the hash of their id.

    Args:
        notes: Of the entries, by id.
        rejected: What cannot be tried; it counts for the split it would be in.
        shares: Of each split; they add up to 1.
    """
    ids: dict[str, list[str]] = {name: [] for name in shares}
    for source_id in notes:
        ids[split_of(source_id, shares)].append(source_id)
    bad: dict[str, list[BadRecord]] = {name: [] for name in shares}
    for record in rejected:
        bad[split_of(record.source_id, shares)].append(record)
    return {
        name: Split(
            ids=tuple(members),
            notes=tuple(notes[member] for member in members),
            rejected=tuple(bad[name]),
        )
        for name, members in ids.items()
    }


def split_of(source_id: str, shares: Mapping[str, Fraction]) -> str:
    """Returns the split of an id: always the same for the same shares."""
    digest = hashlib.sha256(f"split:{source_id}".encode()).digest()
    drawn = Fraction(int.from_bytes(digest[:8]), 2**64)
    end = Fraction(0)
    for name, share in shares.items():
        end += share
        if drawn < end:
            return name
    raise ValueError(f"shares add up to {end}, expected 1; correct the call")


class FolderMaskMaker:
    """Makes records of photos and masks.

    Args:
        label_map: JSON form of a `LabelMap`; None: values are class ids, 255 is void.
    """

    def __init__(self, *, label_map: Mapping[str, object] | None = None):
        self._label_map = label_map and LabelMap.model_validate(label_map)

    def files(self, entry: Entry) -> tuple[Needed, ...]:
        """Returns photo and mask."""
        photo, mask = json.loads(entry.note)
        return (
            Needed((Place(IMAGES_ROOT, photo),), "missing-image"),
            Needed((Place(TARGETS_ROOT, mask),), "missing-label"),
        )

    def make(self, entry: Entry, contents: Sequence[bytes]) -> SegmentationRecord:
        """Checks one pair; see `makers.Maker.make`."""
        path, mask_path = json.loads(entry.note)
        photo = check_photo(contents[0], path=path)
        check_upright(photo, path=path)
        class_map, classes = read_mask(
            contents[1],
            height=photo.height,
            width=photo.width,
            label_map=self._label_map or None,
            path=mask_path,
        )
        return SegmentationRecord(
            **photo.fields(),
            label=images.encode_grey(class_map),
            classes=classes,
            source_id=entry.id,
            filename=path,
            source="folder",
        )
