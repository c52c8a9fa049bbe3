"""Photos that are there twice, found with eight bytes a photo in memory.

What is held of each photo is the first eight bytes of its sha256, as one big-endian
number. Equal numbers are only a suspicion; the whole hashes, on disk, decide.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Photo = TypeVar("Photo")

Prefixes = NDArray[np.uint64]
"""Beginnings of hashes, `[photos]`."""

_HEX_DIGITS: Final = 64
_HASH_BYTES: Final = _HEX_DIGITS // 2
_PREFIX: Final = np.dtype(">u8")


def prefixes(hashes: str) -> Prefixes:
    """Returns the beginnings of hashes.

    Args:
        hashes: The sha256 of each photo in hex, one after the other.

    Raises:
        ValueError: They are not whole hashes in hex.
    """
    whole = np.frombuffer(bytes.fromhex(hashes), np.uint8).reshape(-1, _HASH_BYTES)
    firsts = np.ascontiguousarray(whole[:, : _PREFIX.itemsize])
    return firsts.view(_PREFIX).ravel().astype(np.uint64)


def hash_at(hashes: str, index: int) -> str:
    """Returns the hash of a number in such a row of hashes."""
    return hashes[_HEX_DIGITS * index : _HEX_DIGITS * (index + 1)]


def find_copies(
    by_chunk: Sequence[Prefixes],
    look: Callable[[int, list[int]], Iterable[tuple[str, Photo]]],
) -> dict[str, list[Photo]]:
    """Returns sha256 -> the photos that have it, where they are more than one.

    Args:
        by_chunk: `prefixes` of the photos of each chunk.
        look: Is given a chunk and the indices of its suspects, at least one, and
            returns the whole hash of each and what stands for the photo in the result.
    """
    values, counts = np.unique(np.concatenate([*by_chunk]), return_counts=True)
    suspects = values[counts > 1]
    found: dict[str, list[Photo]] = defaultdict(list)
    for chunk, numbers in enumerate(by_chunk):
        indices = np.flatnonzero(np.isin(numbers, suspects)).tolist()
        if indices:
            for sha256, photo in look(chunk, indices):
                found[sha256].append(photo)
    return {sha256: photos for sha256, photos in found.items() if len(photos) > 1}
