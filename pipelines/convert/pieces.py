"""The entries of a conversion's shards: Parquet pieces, one row a shard.

A worker reads only the pieces of its own shards, so a plan of millions of entries
weighs no more on a worker than one of thousands.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from fcn_core.datasets.listing import Entry, Split
from pipelines import files
from pipelines.faults import SystemicFault

ENTRIES_PER_SHARD: Final = 256
SHARDS_PER_PIECE: Final = 256

_WORK: Final = "_convert"
_SCHEMA: Final = pa.schema(
    [
        pa.field("split", pa.string(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("ids", pa.list_(pa.string()), nullable=False),
        pa.field("notes", pa.list_(pa.string()), nullable=False),
    ]
)
"""One row a chunk of the job: a shard of a split and its entries, sorted by id."""


class Piece(BaseModel):
    """A file of the plan.

    Attributes:
        name: below the folder of ours.
        sha256: of its bytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str


class Shard(NamedTuple):
    """What a chunk is to become.

    Attributes:
        split: the split's name.
        number: of the shard within its split.
        entries: what belongs in it, sorted by id.
    """

    split: str
    number: int
    entries: tuple[Entry, ...]


def work_uri(out: str, *names: str) -> str:
    """Returns the URI of something in our own folder of an output."""
    return files.join(out, _WORK, *names)


def write(
    out: str, splits: Mapping[str, Split], shards: Mapping[str, int]
) -> list[Piece]:
    """Deals entries to shards and writes the pieces, each named by its hash."""
    pieces: list[Piece] = []
    rows: list[Shard] = []
    for row in _shards(splits, shards):
        rows.append(row)
        if len(rows) == SHARDS_PER_PIECE:
            pieces.append(_write_piece(out, len(pieces), rows))
            rows = []
    if rows:
        pieces.append(_write_piece(out, len(pieces), rows))
    return pieces


def read_shard(out: str, pieces: tuple[Piece, ...], chunk: int) -> Shard:
    """Returns what a chunk is to become.

    Raises:
        SystemicFault: the plan's files are damaged.
    """
    number, row = divmod(chunk, SHARDS_PER_PIECE)
    piece = pieces[number]
    table = _open_piece(work_uri(out, piece.name), piece.sha256)
    split, shard, ids, notes = (table.column(i)[row].as_py() for i in range(4))
    return Shard(split, shard, tuple(map(Entry, ids, notes)))


def damaged(uri: str) -> str:
    """Returns the sentence about a damaged file of the plan."""
    return (
        f"{uri}: got a damaged plan, expected what this program wrote; remove the "
        "output folder and convert again"
    )


def shard_of(source_id: str, shards: int) -> int:
    """Returns the number of the shard that an id belongs in."""
    digest = hashlib.sha256(source_id.encode()).digest()
    return int.from_bytes(digest[:8]) % shards


def _shards(splits: Mapping[str, Split], shards: Mapping[str, int]) -> Iterator[Shard]:
    for name, split in splits.items():
        dealt: list[list[Entry]] = [[] for _ in range(shards[name])]
        for entry in sorted(map(Entry, split.ids, split.notes)):
            dealt[shard_of(entry.id, shards[name])].append(entry)
        for number, entries in enumerate(dealt):
            yield Shard(name, number, tuple(entries))


def _write_piece(out: str, number: int, rows: list[Shard]) -> Piece:
    columns = {
        "split": [row.split for row in rows],
        "shard": [row.number for row in rows],
        "ids": [[entry.id for entry in row.entries] for row in rows],
        "notes": [[entry.note for entry in row.entries] for row in rows],
    }
    buffer = io.BytesIO()
    table = pa.Table.from_pydict(columns, schema=_SCHEMA)
    pq.write_table(table, buffer, compression="zstd")
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    # Named by its hash: two launches with two lists do not share a file.
    piece = Piece(name=f"piece-{number:05}-{sha256[:16]}.parquet", sha256=sha256)
    files.create_once(work_uri(out, piece.name), buffer.getvalue())
    return piece


@lru_cache(maxsize=2)
def _open_piece(uri: str, sha256: str) -> pa.Table:
    data = files.read_bytes(uri)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SystemicFault(damaged(uri))
    return pq.read_table(pa.BufferReader(data))
