"""Photos that are there twice: found by 8 bytes of each hash, proved by all of it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")


def prefixes(photos: Sequence[str]) -> NDArray[np.uint64]:
    """Returns the first 8 bytes of each photo's sha256, which is given in hex."""
    firsts = bytes.fromhex("".join(photo[:16] for photo in photos))
    return np.frombuffer(firsts, ">u8").astype(np.uint64)


def find_copies(
    by_chunk: Sequence[NDArray[np.uint64]],
    read: Callable[[int], Sequence[tuple[str, Item]]],
) -> dict[str, list[Item]]:
    """Returns the items of each photo that is there more than once, by its sha256.

    Args:
        by_chunk: `prefixes` of the photos of each chunk.
        read: Returns sha256 and item of each photo of a chunk; called only for chunks
            with a prefix that is there more than once.
    """
    values, counts = np.unique(np.concatenate(by_chunk), return_counts=True)
    suspects = values[counts > 1]
    groups: dict[str, list[Item]] = defaultdict(list)
    for chunk, found in enumerate(by_chunk if suspects.size else ()):
        indices = np.flatnonzero(np.isin(found, suspects)).tolist()
        photos = read(chunk) if indices else ()
        for index in indices:
            sha256, item = photos[index]
            groups[sha256].append(item)
    return {sha256: items for sha256, items in groups.items() if len(items) > 1}
