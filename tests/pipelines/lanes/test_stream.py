"""Chunks through lanes: opened as reading comes to them, committed once, all told."""

from collections.abc import Iterator

import pytest

from fcn_core.bad_image import BadImage
from pipelines.chunks import stop
from pipelines.chunks.counts import Counts
from pipelines.faults import Interrupted
from pipelines.lanes import stream
from pipelines.lanes.request import Request
from pipelines.lanes.settings import LaneSettings

LANES = LaneSettings(task="tests.doubles.lane:Echo", config="{}", lanes=2)
READING = stream.Reading(threads=2, together=2)


class Chunk:
    """Asks lanes to repeat its items' names; an item of every chunk is bad."""

    def __init__(self, number: int, size: int, log: list[str]):
        self._number, self.size, self._log = number, size, log
        self._taken: dict[int, bytes | None] = {}

    def request(self, key: stream.Key) -> Request:
        request = Request(key, {}, [f"{key[0]}.{key[1]}".encode()])
        if key[1] == 1:
            request.bad = BadImage("vanished", "gone", stage="read")
        return request

    def take(self, index: int, done: Request) -> bool:
        assert index not in self._taken
        self._taken[index] = done.reply_blobs[0] if done.bad is None else None
        return done.bad is None

    def commit(self) -> Counts:
        self._log.append(f"commit {self._number}")
        for index, answer in self._taken.items():
            expected = f"{self._number}.{index}".encode()
            assert answer == (None if index == 1 else expected)
        failed = sum(answer is None for answer in self._taken.values())
        return Counts(self.size - failed, failed, computed=self.size)


def test_every_chunk_is_told_once_whatever_it_was_found_as() -> None:
    log: list[str] = []
    sizes = {0: 5, 1: 0, 2: None, 3: 1, 4: 12, 5: None}

    def opened(number: int) -> Chunk | Counts:
        log.append(f"open {number}")
        size = sizes[number]
        return Counts(ok=100) if size is None else Chunk(number, size, log)

    told = list(stream.process(sizes, opened, lanes=LANES, reading=READING))

    assert sum(told, Counts()) == Counts(4 + 1 + 11 + 200, 2, computed=18)
    assert len(told) == len(sizes)
    assert sorted(x for x in log if "commit" in x) == [
        f"commit {n}" for n in (0, 1, 3, 4)
    ]


def test_a_chunk_is_opened_only_when_reading_comes_to_it() -> None:
    log: list[str] = []
    chunks = stream.process(
        range(1000), lambda n: Chunk(n, 8, log), lanes=LANES, reading=READING
    )
    log.extend("told" for _, counts in zip(range(20), chunks, strict=False) if counts)
    chunks.close()  # type: ignore[attr-defined]
    opened_before_end = [x for x in log if x.startswith("commit")]
    assert 20 <= len(opened_before_end) <= 26


def test_a_stop_and_a_fault_end_the_stream() -> None:
    log: list[str] = []

    def stopping() -> Iterator[int]:
        yield 0
        stop.request_stop()
        yield 1

    try:
        with pytest.raises(Interrupted):
            list(
                stream.process(
                    stopping(), lambda n: Chunk(n, 4, log), lanes=LANES, reading=READING
                )
            )
    finally:
        stop.forget_stop()

    def broken(number: int) -> Chunk:
        raise OSError("no such chunk")

    with pytest.raises(OSError, match="no such chunk"):
        list(stream.process([3], broken, lanes=LANES, reading=READING))
