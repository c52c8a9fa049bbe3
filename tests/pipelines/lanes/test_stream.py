"""Chunks through lanes: opened as reading comes to them, committed and counted once."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from fcn_core.bad_image import BadImage
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.faults import Interrupted
from pipelines.lanes import stream
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.settings import LaneSettings

LANES = LaneSettings(task="tests.doubles.lane:Echo", config={}, lanes=2)
READING = stream.Reading(threads=2, together=2)


class Chunk:
    """Has lanes repeat its items' names; item 1 of every chunk is bad."""

    def __init__(self, number: int, size: int, log: list[str]):
        self._number, self.size, self._log = number, size, log
        self._taken: dict[int, bytes | None] = {}
        log.append(f"open {number}")

    def request(self, index: int) -> Request | Answer:
        if index == 1:
            return Answer(bad=BadImage("vanished", "gone", stage="read"))
        return Request({}, [f"{self._number}.{index}".encode()])

    def take(self, index: int, answer: Answer) -> bool:
        assert index not in self._taken
        self._taken[index] = answer.blobs[0] if answer.bad is None else None
        return answer.bad is None

    def commit(self) -> Counts:
        self._log.append(f"commit {self._number}")
        for index, answer in self._taken.items():
            expected = f"{self._number}.{index}".encode()
            assert answer == (None if index == 1 else expected)
        failed = sum(answer is None for answer in self._taken.values())
        return Counts(self.size - failed, failed, computed=self.size)


def process(
    attempt: Attempt,
    chunks: Iterable[int],
    open_chunk: Callable[[int], Chunk | Counts],
) -> Iterator[Counts]:
    return stream.process(
        chunks, open_chunk, attempt=attempt, lanes=LANES, reading=READING
    )


def test_every_chunk_is_counted_once_whatever_it_was_found_as(attempt: Attempt) -> None:
    log: list[str] = []
    sizes = {0: 5, 1: 0, 2: None, 3: 1, 4: 12, 5: None}

    def open_chunk(number: int) -> Chunk | Counts:
        size = sizes[number]
        return Counts(ok=100) if size is None else Chunk(number, size, log)

    counts = list(process(attempt, sizes, open_chunk))

    assert sum(counts, Counts()) == Counts(4 + 1 + 11 + 200, 2, computed=18)
    assert len(counts) == len(sizes)
    assert attempt.tally.counts == sum(counts, Counts())
    expected = [f"{act} {n}" for act in ("commit", "open") for n in (0, 1, 3, 4)]
    assert sorted(log) == expected


def test_chunks_that_are_all_done_are_counted(attempt: Attempt) -> None:
    counts = list(process(attempt, range(3), lambda n: Counts(ok=n)))
    assert counts == [Counts(ok=0), Counts(ok=1), Counts(ok=2)]
    assert attempt.tally.counts == Counts(ok=3)


def test_a_chunk_is_opened_only_when_reading_comes_to_it(attempt: Attempt) -> None:
    log: list[str] = []
    chunks = process(attempt, range(1000), lambda n: Chunk(n, 8, log))
    done = [counts for _, counts in zip(range(20), chunks, strict=False)]
    assert len(done) == 20
    # Ahead of the 20 are: one more of zip's, one being committed, two chunks' items
    # between lanes and readers, and the one that reading has come to.
    assert 20 <= len([entry for entry in log if entry.startswith("open")]) <= 26
    chunks.close()  # type: ignore[attr-defined]
    assert 20 <= len([entry for entry in log if entry.startswith("commit")]) <= 26


def test_a_stop_ends_the_stream(attempt: Attempt) -> None:
    log: list[str] = []

    def stopping() -> Iterator[int]:
        yield 0
        attempt.request_stop()
        yield 1

    with pytest.raises(Interrupted):
        list(process(attempt, stopping(), lambda n: Chunk(n, 4, log)))
    assert "commit 1" not in log


def test_a_stop_ends_a_stream_of_chunks_that_are_done(attempt: Attempt) -> None:
    attempt.request_stop()
    with pytest.raises(Interrupted):
        list(process(attempt, range(3), lambda n: Counts(ok=n)))


def test_a_fault_ends_the_stream(attempt: Attempt) -> None:
    def broken(number: int) -> Chunk:
        raise OSError("no such chunk")

    with pytest.raises(OSError, match="no such chunk"):
        list(process(attempt, [3], broken))
