"""Photos that are there twice: the same bytes under two ids, or in two splits.

In two splits they would flatter every score: the copy that would be trained on is
rejected, unless leaks are allowed. Within a split a second copy only counts twice; it
is written, and listed as a warning.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fcn_core.datasets import makers
from fcn_core.datasets.listing import Entry
from pipelines.convert import pieces
from pipelines.convert.parts import Part, committed_part
from pipelines.convert.plan import ConvertPlan, Rejected

REASON: Final = "duplicate-image"
_HEX_DIGITS: Final = 64
_PREFIX_DIGITS: Final = 16


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
        dropped: chunk -> index of a record in its shard -> why it is taken out.
        warnings: rows of records that stay, by split.
    """

    dropped: dict[int, dict[int, Rejected]]
    warnings: list[tuple[str, Rejected]]


def prefixes(part: Part) -> NDArray[np.uint64]:
    """Returns the first 8 bytes of the hash of each photo: enough to look closer."""
    hashes = np.frombuffer(bytes.fromhex(part.photos), np.uint8)
    firsts = hashes.reshape(-1, _HEX_DIGITS // 2)[:, : _PREFIX_DIGITS // 2]
    return np.ascontiguousarray(firsts).view(np.uint64).ravel()


def find(
    out: str,
    plan: ConvertPlan,
    by_chunk: list[NDArray[np.uint64]],
    *,
    allow_leak: bool,
) -> Duplicates:
    """Returns what is there twice.

    Args:
        out: The output.
        plan: Its plan.
        by_chunk: `prefixes` of every part.
        allow_leak: Whether two splits may share photos.
    """
    values, counts = np.unique(np.concatenate(by_chunk), return_counts=True)
    suspects = values[counts > 1]
    found = Duplicates({}, [])
    if not suspects.size:
        return found
    maker = makers.open_maker(plan.content.maker, plan.content.maker_settings)
    for copies in _groups(out, plan, by_chunk, suspects):
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
    out: str,
    plan: ConvertPlan,
    by_chunk: list[NDArray[np.uint64]],
    suspects: NDArray[np.uint64],
) -> Iterator[list[_Copy]]:
    """Yields the records of each photo that is there more than once."""
    groups: dict[str, list[_Copy]] = defaultdict(list)
    for chunk, found in enumerate(by_chunk):
        indices = np.flatnonzero(np.isin(found, suspects))
        if indices.size:
            for photo, copy in _copies(out, plan, chunk, indices.tolist()):
                groups[photo].append(copy)
    yield from (copies for copies in groups.values() if len(copies) > 1)


def _copies(
    out: str, plan: ConvertPlan, chunk: int, indices: Iterable[int]
) -> Iterator[tuple[str, _Copy]]:
    part = committed_part(out, plan, chunk)
    split, _, entries = pieces.read_shard(out, plan.pieces, chunk)
    rejected = {row.id for row in part.rejected}
    written = [entry for entry in entries if entry.id not in rejected]
    for index in indices:
        photo = part.photos[_HEX_DIGITS * index : _HEX_DIGITS * (index + 1)]
        is_training = split.startswith("train")
        yield photo, _Copy(is_training, split, written[index], chunk, index)
