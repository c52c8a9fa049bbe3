"""Photos that are there twice: the same bytes under two ids, or in two splits.

In two splits they would flatter every score: the copy that would be trained on is
rejected, unless leaks are allowed. Within a split a second copy only counts twice; it
is written, and listed as a warning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fcn_core.datasets import makers
from fcn_core.datasets.listing import Entry
from fcn_core.metrics.copies import find_copies
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


def find(
    conversion: Conversion,
    by_chunk: Sequence[NDArray[np.uint64]],
    *,
    allow_leak: bool,
) -> Duplicates:
    """Returns what is there twice.

    Args:
        conversion: Whose records are compared.
        by_chunk: Prefixes of the photos of every part, see `metrics.copies`.
        allow_leak: Whether two splits may share photos.
    """
    pieces = conversion.entries()

    def read(chunk: int) -> list[tuple[str, _Copy]]:
        part = conversion.parts.committed(chunk)
        shard = entries.read(pieces.chunk(chunk))
        is_training = shard.split.startswith("train")
        statuses = part.rows["status"].to_pylist()
        written = (e for e, s in zip(shard.entries, statuses, strict=True) if s == "ok")
        copies = (
            _Copy(is_training, shard.split, entry, chunk, index)
            for index, entry in enumerate(written)
        )
        return list(zip(photos_of(part), copies, strict=True))

    found = Duplicates({}, [])
    content = conversion.plan.content
    maker = makers.open_maker(content.maker, content.maker_settings)
    for copies in find_copies(by_chunk, read).values():
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
