"""Photos that are there twice: the same bytes under two ids, or in two splits.

In two splits they would flatter every score: the copy that would be trained on is
rejected, unless leaks are allowed. Within a split a second copy only counts twice; it
is written, and listed as a warning.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from fcn_core.datasets import makers
from fcn_core.datasets.listing import Entry
from fcn_core.metrics.copies import Prefixes, find_copies, hash_at
from pipelines.convert import pieces
from pipelines.convert.parts import committed_part
from pipelines.convert.plan import ConvertPlan, Rejected

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
        dropped: chunk -> index of a record in its shard -> why it is taken out.
        warnings: rows of records that stay, by split.
    """

    dropped: dict[int, dict[int, Rejected]]
    warnings: list[tuple[str, Rejected]]


def find(
    out: str,
    plan: ConvertPlan,
    by_chunk: Sequence[Prefixes],
    *,
    allow_leak: bool,
) -> Duplicates:
    """Returns what is there twice.

    Args:
        out: The output.
        plan: Its plan.
        by_chunk: `copies.prefixes` of every part.
        allow_leak: Whether two splits may share photos.
    """
    found = Duplicates({}, [])
    groups = find_copies(by_chunk, partial(_copies, out, plan))
    if not groups:
        return found
    maker = makers.open_maker(plan.content.maker, plan.content.maker_settings)
    for copies in groups.values():
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


def _copies(
    out: str, plan: ConvertPlan, chunk: int, indices: Iterable[int]
) -> Iterator[tuple[str, _Copy]]:
    part = committed_part(out, plan, chunk)
    split, _, entries = pieces.read_shard(out, plan.pieces, chunk)
    rejected = {row.id for row in part.rejected}
    written = [entry for entry in entries if entry.id not in rejected]
    for index in indices:
        photo = hash_at(part.photos, index)
        is_training = split.startswith("train")
        yield photo, _Copy(is_training, split, written[index], chunk, index)
