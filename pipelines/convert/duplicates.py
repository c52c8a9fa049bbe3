"""Photos that are there twice: the same bytes under two ids, or in two splits.

In two splits they would flatter every score: the copy that would be trained on is
rejected, unless leaks are allowed. Within a split a second copy only counts twice; it
is written, and listed as a warning.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fcn_core.datasets import makers
from fcn_core.datasets.listing import Entry
from pipelines.chunks.pieces import Pieces
from pipelines.convert import entries
from pipelines.convert.parts import photos_of
from pipelines.convert.plan import Conversion, Rejected

REASON: Final = "duplicate-image"


@dataclass(frozen=True, order=True)
class _Copy:
    """One record; ordered by which copy is kept."""

    is_training: bool
    split: str
    entry: Entry
    chunk: int
    index: int


@dataclass(frozen=True)
class Duplicates:
    """What is there twice.

    Attributes:
        dropped: Chunk -> index of a record in its shard -> why it is taken out.
        warnings: Rows of records that stay, by split.
    """

    dropped: dict[int, dict[int, Rejected]]
    warnings: list[tuple[str, Rejected]]


def prefixes(photos: Sequence[str]) -> NDArray[np.uint64]:
    """Returns the first 8 bytes of the hash of each photo: enough to look closer."""
    firsts = bytes.fromhex("".join(photo[:16] for photo in photos))
    return np.frombuffer(firsts, np.uint64)


def find(
    conversion: Conversion,
    by_chunk: list[NDArray[np.uint64]],
    *,
    allow_leak: bool,
) -> Duplicates:
    """Returns what is there twice.

    Args:
        conversion: Whose records are compared.
        by_chunk: `prefixes` of every part.
        allow_leak: Whether two splits may share photos.
    """
    values, counts = np.unique(np.concatenate(by_chunk), return_counts=True)
    suspects = values[counts > 1]
    found = Duplicates({}, [])
    if not suspects.size:
        return found
    content = conversion.plan.content
    maker = makers.open_maker(content.maker, content.maker_settings)
    for copies in _groups(conversion, by_chunk, suspects):
        first, *others = sorted(copies)
        for other in others:
            row = Rejected(
                id=other.entry.id,
                path=makers.photo_path(maker, other.entry),
                stage="read",
                reason=REASON,
                detail=f"the same photo as {first.entry.id} of {first.split}",
            )
            if other.split != first.split and not allow_leak:
                found.dropped.setdefault(other.chunk, {})[other.index] = row
            else:
                found.warnings.append((other.split, row))
    found.warnings.sort(key=lambda pair: (pair[0], pair[1].id))
    return found


def _groups(
    conversion: Conversion,
    by_chunk: list[NDArray[np.uint64]],
    suspects: NDArray[np.uint64],
) -> Iterator[list[_Copy]]:
    """Yields the records of each photo that is there more than once."""
    groups: dict[str, list[_Copy]] = defaultdict(list)
    pieces = conversion.entries()
    for chunk, found in enumerate(by_chunk):
        indices = np.flatnonzero(np.isin(found, suspects))
        if indices.size:
            for photo, copy in _copies(conversion, pieces, chunk, indices.tolist()):
                groups[photo].append(copy)
    yield from (copies for copies in groups.values() if len(copies) > 1)


def _copies(
    conversion: Conversion, pieces: Pieces, chunk: int, indices: Iterable[int]
) -> Iterator[tuple[str, _Copy]]:
    part = conversion.parts.committed(chunk)
    shard = entries.read(pieces.chunk(chunk))
    photos = photos_of(part)
    written = [
        entry
        for entry, status in zip(shard.entries, part.rows["status"], strict=True)
        if status.as_py() == "ok"
    ]
    for index in indices:
        is_training = shard.split.startswith("train")
        copy = _Copy(is_training, shard.split, written[index], chunk, index)
        yield photos[index], copy
