"""Pieces of a plan's items: one row group a chunk, and only what is needed is read."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import files
from pipelines.chunks import pieces
from pipelines.chunks.pieces import CHUNKS_PER_PIECE, Piece, Pieces
from pipelines.faults import SystemicFault

ROWS = 2
CHUNKS = CHUNKS_PER_PIECE + 3
ITEMS = CHUNKS * ROWS - 1


def tables() -> Iterator[pa.Table]:
    rows = CHUNKS_PER_PIECE * ROWS
    for first in range(0, ITEMS, rows):
        yield pa.table({"item": list(range(first, min(first + rows, ITEMS)))})


@pytest.fixture
def written(tmp_path: Path) -> tuple[Piece, ...]:
    return pieces.write(str(tmp_path), tables(), rows=ROWS)


def open_pieces(folder: Path, written: tuple[Piece, ...]) -> Pieces:
    return Pieces(str(folder), written, cure="restore it")


def test_a_chunk_is_a_row_group(tmp_path: Path, written: tuple[Piece, ...]) -> None:
    groups = [pq.ParquetFile(tmp_path / piece.name).num_row_groups for piece in written]
    assert groups == [CHUNKS_PER_PIECE, 3]
    opened = open_pieces(tmp_path, written)
    for chunk in (0, 1, CHUNKS_PER_PIECE - 1, CHUNKS_PER_PIECE, CHUNKS - 1):
        numbers = range(chunk * ROWS, min((chunk + 1) * ROWS, ITEMS))
        assert opened.chunk(chunk)["item"].to_pylist() == list(numbers)
    column = pa.concat_tables(opened.columns(["item"]))["item"].to_pylist()
    assert column == list(range(ITEMS))


def test_the_same_items_are_the_same_pieces(
    tmp_path: Path, written: tuple[Piece, ...]
) -> None:
    assert pieces.write(str(tmp_path), tables(), rows=ROWS) == written
    assert len(list(tmp_path.iterdir())) == len(written)


def test_only_the_piece_of_a_chunk_is_read_and_once(
    tmp_path: Path, written: tuple[Piece, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, read, reads = open_pieces(tmp_path, written), files.read_bytes, []

    def counted(uri: str) -> bytes:
        reads.append(uri.rpartition("/")[2])
        return read(uri)

    monkeypatch.setattr(files, "read_bytes", counted)
    for chunk in range(CHUNKS_PER_PIECE, CHUNKS):
        opened.chunk(chunk)
    assert reads == [written[1].name]


@pytest.mark.parametrize("damage", ["missing", "flipped", "cut off", "empty"])
def test_a_piece_that_is_not_whole_names_its_file_and_the_cure(
    tmp_path: Path, written: tuple[Piece, ...], damage: str
) -> None:
    path = tmp_path / written[0].name
    data = path.read_bytes()
    path.unlink()
    if damage != "missing":
        flipped = data[:9] + bytes([data[9] ^ 1]) + data[10:]
        kinds = {"flipped": flipped, "cut off": data[:-1], "empty": b""}
        path.write_bytes(kinds[damage])
    opened = open_pieces(tmp_path, written)
    for read in (lambda: opened.chunk(0), lambda: list(opened.columns(["item"]))):
        with pytest.raises(SystemicFault, match=rf"{path.name}: got .*; restore it"):
            read()
    assert opened.chunk(CHUNKS_PER_PIECE).num_rows == ROWS  # the other one is whole
