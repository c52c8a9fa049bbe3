"""The index of a plan: the keys of its items, sorted, in files named by their hashes.

What the plans of an output hold is compared with a listing by 16 bytes an item, never
by text. A file has the keys that begin with the same bits; a plan of a million items
has one, a plan of 10^8 has 128.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from pipelines.chunks import pieces
from pipelines.chunks.pieces import Piece
from pipelines.score import keys
from pipelines.score.keys import Keys
from pipelines.score.spill import Buckets, bits_for

_FILE_KEYS: Final = 1 << 20


def encode(blocks: Iterable[Keys], count: int) -> Iterator[bytes]:
    """Yields the files of an index.

    Args:
        blocks: All keys, in any order.
        count: How many they are, which decides the number of files.
    """
    if not count:
        return
    buckets = Buckets.of(blocks, bits_for(count, each=_FILE_KEYS))
    for number in range(len(buckets)):
        yield np.sort(buckets.read(number)).tobytes()


def write(
    folder: str,
    stem: str,
    contents: Iterable[bytes],
    *,
    durable: bool,
    parents: bool = True,
) -> tuple[Piece, ...]:
    """Writes the files of an index.

    Args:
        folder: Where they go.
        stem: What their names begin with.
        contents: What `encode` yields.
        durable: Whether they are on the disk when the call returns.
        parents: Whether the folder is made.
    """
    return tuple(
        pieces.write_file(
            folder, f"{stem}-{number:05}", data, durable=durable, parents=parents
        )
        for number, data in enumerate(contents)
    )


def read(folder: str, index: Sequence[Piece], *, cure: str) -> Iterator[Keys]:
    """Yields the keys of an index.

    Raises:
        SystemicFault: A file is missing or damaged.
    """
    for piece in index:
        data = pieces.read_file(folder, piece, what="keys", cure=cure)
        yield np.frombuffer(data, keys.DTYPE)
