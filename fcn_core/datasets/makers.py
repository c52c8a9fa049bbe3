"""Entries to records: which files an entry needs, and what is made of their bytes.

A maker is built from plain settings, so it can travel to any process. `files` is cheap
and is called where bytes are read; `make` touches pixels and is called where a hostile
file can do no harm.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from fcn_core.bad_image import BadImage
from fcn_core.datasets.bad_record import BadRecord
from fcn_core.datasets.listing import Entry
from fcn_core.records.record import ImageRecord

Read = Callable[[str], bytes]
"""Returns a file's bytes; FileNotFoundError where there is none."""


IMAGES_ROOT: Final = "images"
"""The root folder of the photos, for data sets without a name of their own for it."""


class Place(NamedTuple):
    """Where a file may lie: the name of a root folder and the path below it."""

    root: str
    path: str


class Needed(NamedTuple):
    """A file that an entry cannot do without.

    Attributes:
        places: Where it may lie; the first that has it counts.
        missing: The reason if none has it.
    """

    places: tuple[Place, ...]
    missing: str


class Maker(Protocol):
    """What a data set knows about its entries."""

    def files(self, entry: Entry) -> tuple[Needed, ...]:
        """Returns the files of an entry, the photo first.

        Raises:
            BadRecord: Its name alone makes it unusable.
        """

    def make(self, entry: Entry, contents: Sequence[bytes]) -> ImageRecord:
        """Checks an entry and returns its record; the photo's bytes stay as they are.

        Args:
            entry: What to make.
            contents: The bytes of `files(entry)`, in order.

        Raises:
            BadRecord: A check fails; without the entry's id, which the caller knows.
        """


_MAKERS: Final = {
    "segmentation-pairs": ("fcn_core.datasets.pascal.pairs", "PairMaker"),
    "ava": ("fcn_core.datasets.rated_photos", "RatingMaker"),
    "folder-masks": ("fcn_core.datasets.own.folder", "FolderMaskMaker"),
    "folder-ratings": ("fcn_core.datasets.rated_photos", "RatingMaker"),
}


def open_maker(name: str, settings: Mapping[str, Any]) -> Maker:
    """Returns a maker by name; only its own data set is imported."""
    module, class_name = _MAKERS[name]
    return getattr(importlib.import_module(module), class_name)(**settings)


def photo_path(maker: Maker, entry: Entry) -> str:
    """Returns where an entry's photo is looked for first."""
    return maker.files(entry)[0].places[0].path


def read_files(
    maker: Maker, entry: Entry, *, roots: Mapping[str, str], read: Read
) -> list[bytes]:
    """Returns the bytes of an entry's files.

    Raises:
        BadRecord: One of them is missing or unreadable.
    """
    try:
        return [_read(needed, roots, read) for needed in maker.files(entry)]
    except BadRecord as bad:
        bad.source_id = entry.id
        raise


def make_record(maker: Maker, entry: Entry, contents: Sequence[bytes]) -> ImageRecord:
    """Returns what `maker.make` does; a refusal names the entry.

    Raises:
        BadRecord: A check fails.
    """
    try:
        return maker.make(entry, contents)
    except BadRecord as bad:
        bad.source_id = entry.id
        raise


def _read(needed: Needed, roots: Mapping[str, str], read: Read) -> bytes:
    for place in needed.places:
        try:
            return read(f"{roots[place.root]}/{place.path}")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except BadImage as bad:
            raise BadRecord(
                bad.reason, bad.detail, stage="read", path=place.path
            ) from bad
    detail = "listed, but not there"
    path = needed.places[0].path
    raise BadRecord(needed.missing, detail, stage="read", path=path)
