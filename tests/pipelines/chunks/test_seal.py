"""A sealed part: every changed byte is noticed, and anybody can read it."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import files
from pipelines.chunks import seal
from pipelines.chunks.counts import Counts
from pipelines.chunks.parts import Parts
from pipelines.faults import SystemicFault

SCHEMA = pa.schema(
    [pa.field("name", pa.string()), pa.field("ids", pa.list_(pa.int8()))]
)
ROWS: list[dict[str, Any]] = [
    {"name": "a", "ids": [0, 2, 3, 4]},
    {"name": "b", "ids": []},
]


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(str(tmp_path), plan_id="1" * 64, schema=SCHEMA, cure="mend it")


def create(parts: Parts, *names: str, footer: bytes = b"own") -> Path:
    """Creates a part of rows with these names; returns its file."""
    rows = [{**ROWS[0], "name": name} for name in names] or ROWS
    counts = Counts(ok=len(rows))
    assert parts.create(0, rows, counts=counts, footer={b"job.field": footer})
    return files.to_path(parts.uri(0))


@pytest.mark.parametrize("flip", [0x01, 0x20, 0xFF])
def test_every_changed_byte_of_a_part_is_noticed(parts: Parts, flip: int) -> None:
    path = create(parts)
    good, unnoticed = path.read_bytes(), []
    for position in range(len(good)):
        changed = bytearray(good)
        changed[position] ^= flip
        path.write_bytes(changed)
        try:
            parts.find(0, planned=2, columns=SCHEMA.names)
        except SystemicFault as fault:
            assert "no whole part" in str(fault)
        else:
            unnoticed.append(position)
    assert unnoticed == []
    path.write_bytes(good)
    found = parts.find(0, planned=2, columns=SCHEMA.names)
    assert found is not None and found.rows.to_pylist() == ROWS


def test_bytes_that_were_added_are_noticed(parts: Parts) -> None:
    path = create(parts)
    good = path.read_bytes()
    for changed in (good + b"\0", b"\0" + good, good + good):
        path.write_bytes(changed)
        with pytest.raises(SystemicFault, match="no whole part"):
            parts.find(0, planned=2)


def test_names_with_the_words_of_the_mark_do_not_matter(parts: Parts) -> None:
    words = seal.BLANK.decode()
    names = (words, "m", words[:-64], "zz" + words)  # also as least and greatest
    path = create(parts, *names, footer=seal.BLANK)
    found = parts.find(0, planned=4, columns=["name"])
    assert found is not None and found.rows["name"].to_pylist() == list(names)
    entries = pq.read_metadata(path).metadata
    assert entries[b"job.field"] == seal.BLANK, "as it was given"
    assert entries[seal.KEY] != seal.BLANK
    changed = bytearray(path.read_bytes())
    for position in range(len(changed)):
        changed[position] ^= 1
        assert not seal.is_whole(bytes(changed)), position
        changed[position] ^= 1
    assert seal.is_whole(bytes(changed))


def test_any_reader_reads_it_and_can_check_it(parts: Parts) -> None:
    path = create(parts)
    table = pq.read_table(path, partitioning=None)
    assert table.to_pylist() == ROWS
    # Of the file itself: Arrow's own copy of its schema was made before the seal.
    words, _, digits = pq.read_metadata(path).metadata[seal.KEY].rpartition(b" ")
    assert words.startswith(b"of the file, with zeros in place of these digits")
    blank = path.read_bytes().replace(digits, b"0" * 64)
    assert hashlib.sha256(blank).hexdigest().encode() == digits
    found = parts.find(0, planned=2)
    assert found is not None
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_has_no_blank_is_not_sealed(parts: Parts) -> None:
    for data in (b"", b"a file of another kind", create(parts).read_bytes()):
        with pytest.raises(ValueError, match="without a blank seal"):
            seal.seal(data)
