"""Parts: created once, with a footer that says whose they are and what they count."""

import threading
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines import files
from pipelines.chunks.counts import Counts
from pipelines.chunks.parts import Parts
from pipelines.faults import SystemicFault

SCHEMA = pa.schema(
    [pa.field("name", pa.string()), pa.field("status", pa.string())],
    metadata={"version": "1"},
)
ROWS = [{"name": "a", "status": "ok"}, {"name": "b", "status": "failed"}]
COUNTS = Counts(ok=1, failed=1)


def parts_in(folder: Path) -> Parts:
    return Parts(files.to_uri(folder), plan_id="p" * 64, schema=SCHEMA, cure="move it")


def create(parts: Parts, chunk: int = 0, **footer: bytes) -> bool:
    named = {name.encode(): value for name, value in footer.items()}
    return parts.create(chunk, ROWS, counts=COUNTS, footer=named)


def test_a_part_is_found_as_it_was_created(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)
    assert parts.find(0, planned=2) is None
    assert create(parts, own=b"7")
    found = parts.find(0, planned=2, expected={b"own": b"7"})
    assert found is not None
    assert (found.counts, found.footer[b"own"]) == (COUNTS, b"7")
    whole = parts.committed(0)
    assert whole.rows.to_pylist() == ROWS
    assert whole.footer[b"version"] == b"1"
    assert parts.committed(0, columns=["name"]).rows.column_names == ["name"]


def test_of_many_attempts_the_first_one_counts(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)
    barrier, won = threading.Barrier(8), list[tuple[bool, bytes]]()

    def attempt(number: int) -> None:
        mine = str(number).encode()
        barrier.wait()
        won.append((create(parts, own=mine), mine))

    threads = [threading.Thread(target=attempt, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (mine for is_first, mine in won if is_first)
    assert parts.committed(0).footer[b"own"] == winner


def test_what_is_not_the_part_of_this_chunk_is_refused(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)
    create(parts, own=b"7")
    other = replace(parts, schema=pa.schema([pa.field("name", pa.int64())]))
    for wrong, what in (
        (lambda: parts.find(0, planned=3), "another number of items"),
        (lambda: parts.find(0, planned=2, expected={b"own": b"8"}), "other items"),
        (lambda: replace(parts, plan_id="q" * 64).committed(0), "another plan"),
        (lambda: other.committed(0), "other rows or columns"),
    ):
        with pytest.raises(SystemicFault, match=f"{what}.*; move it"):
            wrong()


def test_a_part_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)
    create(parts)
    path = files.to_path(parts.uri(0))
    good = path.read_bytes()
    for length in range(0, len(good), 61):
        path.write_bytes(good[:length])
        with pytest.raises(SystemicFault, match=r"no whole part.*; move it"):
            parts.find(0, planned=2)


def test_a_part_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SystemicFault, match="the part vanished"):
        parts_in(tmp_path).committed(4)
