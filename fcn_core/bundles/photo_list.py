"""The list of the photos that a model learned from, which travels with it.

It holds the first eight bytes of the sha256 of each photo's file, sorted: whoever has a
photo can find out whether it is in the list, and nobody can find out anything else.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.seal import verify
from fcn_core.metrics.copies import prefixes
from fcn_core.records.record import ImageRecord

PHOTOS_NAME: Final = "training_photos.bin"
"""In run folders and bundles: big-endian, ascending, nothing else."""

_STORED: Final = ">u8"

Photos = NDArray[np.uint64]
"""Sorted and distinct, `[photos]`."""


class Hashed(Protocol):
    """Anything that knows the sha256 in hex of a photo's bytes."""

    @property
    def sha256(self) -> str:
        """Of the photo's bytes."""
        ...


def photos_of(records: Iterable[ImageRecord]) -> Photos:
    """Returns the list of some records' photos, holding one record at a time."""
    return np.unique(np.fromiter(map(_key, records), np.uint64))


def contains(photos: Photos, record: Hashed) -> bool:
    """Returns whether a record's photo is in a list."""
    key = _key(record)
    place = int(np.searchsorted(photos, key))
    return place < len(photos) and photos[place] == key


def _key(record: Hashed) -> np.uint64:
    return prefixes([record.sha256])[0]


def encode(photos: Photos) -> bytes:
    """Returns a list as the bytes of its file."""
    return photos.astype(_STORED).tobytes()


def read(folder: Path) -> Photos | None:
    """Returns the list in a folder; None if there is none.

    Raises:
        ModelError: It is damaged.
    """
    path = folder / PHOTOS_NAME
    if not path.is_file():
        return None
    data = path.read_bytes()
    kind = np.dtype(_STORED)
    photos = np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind)
    if photos.nbytes != len(data) or not (photos[1:] > photos[:-1]).all():
        raise ModelError(
            f"{path}: got {len(data)} bytes that are no ascending list of hashes of 8, "
            "expected what `fcn train` wrote; copy the folder again"
        )
    return photos.astype(np.uint64)


def read_verified(bundle: Path, card: ModelCard) -> Photos | None:
    """Returns the list of a bundle; None if its card names none.

    Raises:
        ModelError: The file is missing, or has other bytes than at export.
    """
    if PHOTOS_NAME not in card.files:
        return None
    verify(card, bundle, PHOTOS_NAME)
    return read(bundle)
