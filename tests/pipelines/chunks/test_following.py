"""A job that runs elsewhere: its parts tell how far it is, each once."""

import threading
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.chunks import following
from pipelines.chunks.counts import Counts, Tally
from pipelines.chunks.following import Follower, follow
from pipelines.chunks.parts import Parts
from pipelines.faults import SystemicFault
from tests.runs.lane_runs import wait_for

SCHEMA = pa.schema([pa.field("name", pa.string())])


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    folder = str(tmp_path / "parts")
    return Parts(folder, plan_id="1" * 64, schema=SCHEMA, cure="remove it")


def commit(parts: Parts, chunk: int, *, ok: int = 2, failed: int = 1) -> None:
    assert parts.create(chunk, [], counts=Counts(ok, failed), footer={})


def test_what_the_first_look_finds_was_done_before(parts: Parts) -> None:
    tally = Tally()
    follower = Follower(parts, tally)
    follower.look()  # nothing is there, not even the folder
    assert (tally.counts, follower.chunks) == (Counts(), 0)
    follower = Follower(parts, tally)
    commit(parts, 0)
    commit(parts, 7)
    follower.look()
    assert (tally.counts, follower.chunks) == (Counts(4, 2, computed=0), 2)
    commit(parts, 3, ok=5, failed=0)
    follower.look()
    follower.look()
    assert (tally.counts, follower.chunks) == (Counts(9, 2, computed=5), 3)


def test_only_new_parts_are_read(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    peek = Parts.peek

    def note(self: Parts, chunk: int) -> Counts | None:
        read.append(chunk)
        return peek(self, chunk)

    monkeypatch.setattr(Parts, "peek", note)
    follower = Follower(parts, Tally())
    for chunk in range(3):
        commit(parts, chunk)
        follower.look()
    assert read == [0, 1, 2]


@pytest.mark.parametrize("data", [b"", b"PAR1 and no more", b"\0" * 4096])
def test_a_damaged_part_is_left_to_those_who_check(parts: Parts, data: bytes) -> None:
    commit(parts, 0)
    Path(parts.uri(1)).write_bytes(data)
    Path(parts.folder, "chunk-00000002.parquet.tmp").write_bytes(b"half")
    follower = Follower(parts, Tally())
    follower.look()
    assert follower.chunks == 1
    Path(parts.uri(1)).unlink()
    commit(parts, 1)
    follower.look()
    assert follower.tally.counts == Counts(4, 2, computed=3)


def test_a_part_of_another_plan_is_not_ours(parts: Parts) -> None:
    other = Parts(parts.folder, plan_id="2" * 64, schema=SCHEMA, cure="")
    commit(other, 0)
    assert parts.peek(0) is None
    assert other.peek(0) == Counts(2, 1)


def test_a_block_is_followed_to_its_end(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(following, "_LOOKING_SHARE", 0)
    tally = Tally()
    with follow(parts, tally):
        commit(parts, 0)
        wait_for(lambda: tally.counts.ok == 2)
        commit(parts, 1)
    assert tally.counts.ok == 4  # the last look is after the block
    assert not [t for t in threading.enumerate() if t.name == "following"]


@pytest.mark.parametrize("error", [OSError("away"), SystemicFault("the store is away")])
def test_a_store_that_is_away_for_a_moment_does_no_harm(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(following, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(following, "_LOOKING_SHARE", 0)
    chunks, away = Parts.chunks, iter([True, True])

    def listed(self: Parts) -> list[int]:
        if next(away, False):
            raise error
        return chunks(self)

    monkeypatch.setattr(Parts, "chunks", listed)
    commit(parts, 0)
    tally = Tally()
    with follow(parts, tally):
        wait_for(lambda: tally.counts.ok == 2)
