"""Which photo and which mask belong together, by their names.

An id is a photo's path below its folder without the extension, in NFC. Its mask has the
same path below its own folder, perhaps with a suffix behind the stem.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from fcn_core.datasets.bad_record import BadRecord
from fcn_core.names import stem

Notes = Mapping[str, str]
"""id -> note of the entries that can be tried."""

_BREAKS: Final = "_-. "
"""What a suffix begins with, such as _mask."""


def pair_masks(
    photos: Iterable[str], masks: Iterable[str], *, suffix: str = ""
) -> tuple[Notes, list[BadRecord]]:
    """Pairs photos with masks; both are paths below their folders.

    Names that differ in case alone are a pair where there is no other of either.

    Args:
        photos: Of the photos.
        masks: Of the masks.
        suffix: What each mask's stem has behind the photo's.

    Returns:
        The notes of whole pairs by id, and what is left over on either side.
    """
    by_id, rejected = _by_id(photos, "image")
    in_order = sorted(masks, key=lambda path: not path.lower().endswith(".png"))
    mask_by_id, double = _by_id(in_order, "mask", suffix=suffix)
    rejected += double
    same = _same_but_case(
        [photo for photo in by_id if photo not in mask_by_id],
        [mask for mask in mask_by_id if mask not in by_id],
    )
    for source_id, other in same.items():
        mask_by_id[source_id] = mask_by_id.pop(other)
    notes = {}
    for source_id in sorted(by_id.keys() | mask_by_id.keys()):
        photo, mask = by_id.get(source_id), mask_by_id.get(source_id)
        if photo is None or mask is None:
            rejected.append(_orphan(source_id, photo, mask))
        else:
            notes[source_id] = json.dumps([photo, mask])
    return notes, rejected


def _same_but_case(photos: Sequence[str], masks: Sequence[str]) -> dict[str, str]:
    """Returns the masks' ids by those of photos that differ in case alone."""
    photo_count = Counter(photo.casefold() for photo in photos)
    mask_count = Counter(mask.casefold() for mask in masks)
    by_case = {mask.casefold(): mask for mask in masks}
    return {
        photo: by_case[photo.casefold()]
        for photo in photos
        if photo_count[photo.casefold()] == mask_count[photo.casefold()] == 1
    }


def has_suffix(path: str, suffix: str) -> bool:
    """Returns whether a path's stem ends in a suffix, whatever its case."""
    return stem(path).casefold().endswith(suffix.casefold())


def likely_suffix(photos: Iterable[str], masks: Collection[str]) -> str | None:
    """Returns what most masks have behind the stem of a photo; None for nothing.

    Args:
        photos: Paths of the photos, or of photos and masks.
        masks: Paths of the masks, or the same.
    """
    known = {stem(path) for path in photos}
    found = Counter[str]()
    for mask in masks:
        whole = stem(mask)
        first = whole.rfind("/") + 2
        for place in range(first, len(whole)):
            if whole[place] in _BREAKS and whole[:place] in known:
                found[whole[place:]] += 1
                break
    if not found:
        return None
    suffix, count = found.most_common(1)[0]
    return suffix if 3 * count >= len(masks) else None


def _orphan(source_id: str, photo: str | None, mask: str | None) -> BadRecord:
    if mask is None:
        reason, detail = "missing-label", "a photo without a mask of its name"
    else:
        reason, detail = "missing-image", "a mask without a photo of its name"
    return BadRecord(
        reason, detail, stage="list", source_id=source_id, path=photo or mask or ""
    )


def _by_id(
    paths: Iterable[str], what: str, *, suffix: str = ""
) -> tuple[dict[str, str], list[BadRecord]]:
    """Returns id -> path, and the paths whose id is taken."""
    found: dict[str, str] = {}
    rejected = []
    for path in paths:
        source_id = stem(path)
        if suffix and has_suffix(path, suffix):
            source_id = source_id[: -len(suffix)]
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
