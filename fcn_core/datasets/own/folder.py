"""A user's own data: a folder of photos, and of masks or a table of ratings.

Which split an id belongs to is decided by its hash, so adding a photo moves no other.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from fcn_core import images
from fcn_core.datasets.bad_record import BadRecord
from fcn_core.datasets.label_files.label_map import LabelMap
from fcn_core.datasets.label_files.own_mask import read_mask
from fcn_core.datasets.listing import Entry, Split
from fcn_core.datasets.makers import IMAGES_ROOT, Needed, Place
from fcn_core.datasets.own.pairing import Notes
from fcn_core.datasets.photo import check_photo, check_upright
from fcn_core.records.record import SegmentationRecord

TARGETS_ROOT: Final = "targets"


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
        has_void: Whether it is; if not, masks of 0 and 255 have the classes 0 and 1.
    """

    def __init__(
        self, *, label_map: Mapping[str, object] | None = None, has_void: bool = True
    ):
        self._label_map = label_map and LabelMap.model_validate(label_map)
        self._has_void = has_void

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
            has_void=self._has_void,
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
