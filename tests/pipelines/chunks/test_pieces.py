"""Pieces of a plan: a row group a chunk, named by hash, read as few as needed."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines import files
from pipelines.chunks import pieces
from pipelines.chunks.pieces import CHUNKS_PER_PIECE, Piece, Pieces
from pipelines.faults import SystemicFault

CURE = "restore the file from a copy"


def write(folder: Path, count: int, *, rows: int = 2) -> tuple[Piece, ...]:
    table, size = pa.table({"n": range(count), "m": range(count)}), 0
    size = CHUNKS_PER_PIECE * rows
    tables = (table.slice(first, size) for first in range(0, count, size))
    return pieces.write(files.to_uri(folder), tables, rows=rows)


def reader(folder: Path, written: tuple[Piece, ...]) -> Pieces:
    return Pieces(files.to_uri(folder), written, cure=CURE)


def test_every_chunk_has_its_rows(tmp_path: Path) -> None:
    written = write(tmp_path, 1025)
    assert len(written) == 3
    found = reader(tmp_path, written)
    rows = [found.chunk(chunk)["n"].to_pylist() for chunk in range(513)]
    assert rows[:2] == [[0, 1], [2, 3]]
    assert rows[-1] == [1024]
    assert [n for chunk in rows for n in chunk] == list(range(1025))
    columns = pa.concat_tables(found.columns(["m"]))
    assert columns.column_names == ["m"]
    assert columns["m"].to_pylist() == list(range(1025))


def test_the_same_items_are_the_same_files(tmp_path: Path) -> None:
    assert write(tmp_path / "a", 700) == write(tmp_path / "b", 700)
    assert write(tmp_path / "a", 700) != write(tmp_path / "a", 701)
    assert write(tmp_path / "c", 0) == ()


def test_only_the_piece_of_a_chunk_is_read(tmp_path: Path) -> None:
    written = write(tmp_path, 1024)
    (tmp_path / written[0].name).unlink()
    found = reader(tmp_path, written)
    assert found.chunk(CHUNKS_PER_PIECE)["n"].to_pylist() == [512, 513]
    with pytest.raises(SystemicFault, match=f"{written[0].name}.*nothing.*{CURE}"):
        found.chunk(CHUNKS_PER_PIECE - 1)


def test_every_damage_is_noticed(tmp_path: Path) -> None:
    written = write(tmp_path, 8)
    path = tmp_path / written[0].name
    good = path.read_bytes()
    for position in range(0, len(good), 7):
        flipped = bytearray(good)
        flipped[position] ^= 1
        for damaged in (bytes(flipped), good[:position]):
            path.write_bytes(damaged)
            with pytest.raises(SystemicFault, match=f"another sha256.*{CURE}"):
                reader(tmp_path, written).chunk(0)
