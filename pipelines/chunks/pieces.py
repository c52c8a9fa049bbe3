"""The items of a plan: Parquet pieces, one row group a chunk, named by their hashes.

A worker reads only the pieces of its own chunks, so a plan of millions of items weighs
no more on a worker than one of thousands. Two launches with two lists of items never
share a piece.
"""

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import files
from pipelines.chunks.columns import encode_table
from pipelines.chunks.frozen import Frozen
from pipelines.faults import SystemicFault

CHUNKS_PER_PIECE: Final = 256

_PIECES_IN_MEMORY: Final = 4  # the chunks of a run are in one piece, or two


class Piece(Frozen):
    """A file of planned items: its name, and the sha256 of its bytes in hex."""

    name: str
    sha256: str


def write(
    folder: str, tables: Iterable[pa.Table], *, rows: int, durable: bool = True
) -> tuple[Piece, ...]:
    """Writes the items of a plan.

    Args:
        folder: Where the pieces go.
        tables: One a piece: the items of `CHUNKS_PER_PIECE` chunks, the last one less.
        rows: Rows a chunk.
        durable: Whether they are on the disk when the call returns.
    """
    return tuple(
        write_file(
            folder,
            f"piece-{number:05}",
            encode_table(table, row_group_size=rows),
            suffix=".parquet",
            durable=durable,
        )
        for number, table in enumerate(tables)
    )


def cut(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """Yields the same rows in tables of `size` rows, the last one less."""
    waiting, rows = list[pa.Table](), 0
    for table in tables:
        while table.num_rows:
            taken = table.slice(0, size - rows)
            table = table.slice(taken.num_rows)
            waiting.append(taken)
            rows += taken.num_rows
            if rows == size:
                yield pa.concat_tables(waiting).combine_chunks()
                waiting, rows = [], 0
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def write_file(
    folder: str,
    stem: str,
    data: bytes,
    *,
    suffix: str = ".bin",
    durable: bool = True,
    parents: bool = True,
) -> Piece:
    """Writes a file that its name and its hash tell from all others.

    Args:
        folder: Where it goes.
        stem: What its name begins with.
        data: Its content.
        suffix: What its name ends in.
        durable: Whether it is on the disk when the call returns.
        parents: Whether the folder is made.

    Raises:
        FileNotFoundError: The folder is gone, and `parents` is false.
    """
    piece = name_file(stem, data, suffix=suffix)
    uri = files.join(folder, piece.name)
    files.create_once(uri, data, durable=durable, parents=parents)
    return piece


def name_file(stem: str, data: bytes, *, suffix: str = ".bin") -> Piece:
    """Returns the name and the hash of such a file; writes nothing."""
    sha256 = hashlib.sha256(data).hexdigest()
    return Piece(name=f"{stem}-{sha256[:16]}{suffix}", sha256=sha256)


def read_file(folder: str, piece: Piece, *, what: str, cure: str) -> bytes:
    """Returns the content of such a file.

    Args:
        folder: Where it is.
        piece: Its name and hash.
        what: What it holds, in one word.
        cure: What to do where it is missing or damaged.

    Raises:
        SystemicFault: It is missing or damaged.
    """
    uri = files.join(folder, piece.name)
    try:
        data = files.read_bytes(uri)
    except FileNotFoundError as error:
        raise SystemicFault(
            f"{uri}: got nothing there, expected {what} of the plan; {cure}"
        ) from error
    if hashlib.sha256(data).hexdigest() != piece.sha256:
        raise SystemicFault(
            f"{uri}: got other {what} than the plan froze (another sha256), "
            f"expected its own; {cure}"
        )
    return data


class Pieces:
    """The pieces of a frozen plan; keeps the last few in memory.

    Args:
        folder: Where they are.
        pieces: Of the plan, in order.
        cure: What to do where one of them is missing or damaged.
    """

    def __init__(self, folder: str, pieces: Sequence[Piece], *, cure: str):
        self._folder, self._pieces, self._cure = folder, pieces, cure
        self._read = functools.lru_cache(maxsize=_PIECES_IN_MEMORY)(self._read_piece)

    def chunk(self, number: int) -> pa.Table:
        """Returns the items of a chunk.

        Raises:
            SystemicFault: The piece is missing or damaged.
        """
        piece, row_group = divmod(number, CHUNKS_PER_PIECE)
        return self._open(piece).read_row_group(row_group)

    def columns(self, names: list[str]) -> Iterator[pa.Table]:
        """Yields some columns of all items, a table a piece.

        Raises:
            SystemicFault: A piece is missing or damaged.
        """
        for number in range(len(self._pieces)):
            yield self._open(number).read(columns=names)

    def _open(self, number: int) -> pq.ParquetFile:
        return pq.ParquetFile(pa.BufferReader(self._read(number)))

    def _read_piece(self, number: int) -> bytes:
        piece = self._pieces[number]
        return read_file(self._folder, piece, what="items", cure=self._cure)
