"""Parts: created once, and never taken for the part of something else."""

import dataclasses
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines import files
from pipelines.chunks.counts import Counts
from pipelines.chunks.parts import Parts
from pipelines.faults import SystemicFault

SCHEMA = pa.schema([pa.field("name", pa.string()), pa.field("status", pa.string())])
ROWS = [{"name": "a", "status": "ok"}, {"name": "b", "status": "failed"}]
COUNTS = Counts(ok=1, failed=1)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(str(tmp_path), plan_id="1" * 64, schema=SCHEMA, cure="remove it")


def create(parts: Parts, *, chunk: int = 0, footer: bytes = b"own") -> bool:
    return parts.create(chunk, ROWS, counts=COUNTS, footer={b"job.field": footer})


def test_a_part_holds_rows_counts_and_the_jobs_fields(parts: Parts) -> None:
    assert parts.find(0, planned=2) is None
    assert create(parts)
    part = parts.committed(0)
    assert part.rows.to_pylist() == ROWS
    assert part.counts == COUNTS
    assert part.footer[b"job.field"] == b"own"
    found = parts.find(0, planned=2, expected={b"job.field": b"own"})
    assert found is not None and found.counts == COUNTS
    assert parts.committed(0, columns=["name"]).rows.column_names == ["name"]


def test_of_eight_writers_one_wins(parts: Parts) -> None:
    barrier, won = threading.Barrier(8), list[bytes]()

    def race(footer: bytes) -> None:
        barrier.wait()
        if create(parts, footer=footer):
            won.append(footer)

    threads = [threading.Thread(target=race, args=(b"%d" % n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = won
    assert parts.committed(0).footer[b"job.field"] == winner
    assert len(files.list_names(parts.folder)) == 1


def test_the_same_rows_are_the_same_bytes(parts: Parts) -> None:
    assert create(parts, chunk=0) and create(parts, chunk=1)
    first, second = (files.read_bytes(parts.uri(chunk)) for chunk in (0, 1))
    assert first == second


def test_a_part_of_something_else_is_a_fault(parts: Parts) -> None:
    create(parts)
    other_plan = dataclasses.replace(parts, plan_id="2" * 64)
    other_columns = dataclasses.replace(parts, schema=SCHEMA.append(SCHEMA.field(0)))
    with pytest.raises(SystemicFault, match=r"00000000.* another plan, .*; remove it"):
        other_plan.find(0, planned=2)
    with pytest.raises(SystemicFault, match=r"00000000.* other rows or columns"):
        other_columns.committed(0)
    with pytest.raises(SystemicFault, match=r"00000000.* another number of items"):
        parts.find(0, planned=3)
    with pytest.raises(SystemicFault, match=r"00000000.* other items"):
        parts.find(0, planned=2, expected={b"job.field": b"another"})


def test_counts_that_are_not_those_of_the_rows_are_a_fault(parts: Parts) -> None:
    parts.create(0, ROWS, counts=Counts(ok=2, failed=1), footer={})
    with pytest.raises(SystemicFault, match="other rows or columns"):
        parts.find(0, planned=3)


def test_a_part_cut_off_anywhere_is_a_fault(parts: Parts) -> None:
    create(parts)
    path = files.to_path(parts.uri(0))
    data = path.read_bytes()
    for kept in range(len(data)):
        path.write_bytes(data[:kept])
        with pytest.raises(SystemicFault, match=r"00000000.* no whole part"):
            parts.committed(0)
    path.unlink()
    with pytest.raises(SystemicFault, match=r"00000000.* vanished"):
        parts.committed(0)
