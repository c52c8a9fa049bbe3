"""The entries of a conversion, dealt to shards; a chunk of the job is a shard."""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import pyarrow as pa

from fcn_core.datasets.listing import Entry, Split
from pipelines.chunks import pieces
from pipelines.chunks.pieces import CHUNKS_PER_PIECE, Piece

ENTRIES_PER_SHARD: Final = 256

_SCHEMA: Final = pa.schema(
    [
        pa.field("split", pa.string(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("ids", pa.list_(pa.string()), nullable=False),
        pa.field("notes", pa.list_(pa.string()), nullable=False),
    ]
)
"""One row a shard: its split, its number there, and its entries sorted by id."""


class Shard(NamedTuple):
    """What a chunk is to become.

    Attributes:
        split: The split's name.
        number: Of the shard within its split.
        entries: What belongs in it, sorted by id.
    """

    split: str
    number: int
    entries: tuple[Entry, ...]


def write(
    folder: str, splits: Mapping[str, Split], shards: Mapping[str, int]
) -> tuple[Piece, ...]:
    """Deals entries to shards and writes them as pieces of the plan."""
    dealt = _batched(_deal(splits, shards), CHUNKS_PER_PIECE)
    return pieces.write(folder, map(_table, dealt), rows=1)


def read(chunk: pa.Table) -> Shard:
    """Returns what a chunk is to become, given its row of the pieces."""
    split, shard, ids, notes = (column[0].as_py() for column in chunk.columns)
    return Shard(split, shard, tuple(map(Entry, ids, notes)))


def shard_of(source_id: str, shards: int) -> int:
    """Returns the number of the shard that an id belongs in."""
    digest = hashlib.sha256(source_id.encode()).digest()
    return int.from_bytes(digest[:8]) % shards


def _deal(splits: Mapping[str, Split], shards: Mapping[str, int]) -> Iterator[Shard]:
    for name, split in splits.items():
        dealt: list[list[Entry]] = [[] for _ in range(shards[name])]
        for entry in sorted(map(Entry, split.ids, split.notes)):
            dealt[shard_of(entry.id, shards[name])].append(entry)
        for number, entries in enumerate(dealt):
            yield Shard(name, number, tuple(entries))


def _batched(shards: Iterator[Shard], size: int) -> Iterator[list[Shard]]:
    while batch := list(itertools.islice(shards, size)):
        yield batch


def _table(rows: list[Shard]) -> pa.Table:
    columns = {
        "split": [row.split for row in rows],
        "shard": [row.number for row in rows],
        "ids": [[entry.id for entry in row.entries] for row in rows],
        "notes": [[entry.note for entry in row.entries] for row in rows],
    }
    return pa.Table.from_pydict(columns, schema=_SCHEMA)
