"""A bundle's stream: a worker is ahead of Beam by the chunks in its hands."""

import threading
from collections.abc import Iterable, Iterator

import pytest

from pipelines.chunks.counts import Counts
from pipelines.chunks.stream import ChunkStream


def _lagging(chunks: Iterable[int]) -> Iterator[Counts]:
    """Counts a chunk once it has taken the next, as a worker that reads ahead."""
    before = None
    for chunk in chunks:
        if before is not None:
            yield Counts(ok=before)
        before = chunk
    if before is not None:
        yield Counts(ok=before)


def test_what_is_in_hand_is_counted_with_what_comes_next() -> None:
    stream = ChunkStream(_lagging)
    assert [c.ok for c in stream.feed(range(1, 4))] == [1, 2]
    assert [c.ok for c in stream.feed(range(4, 6))] == [3, 4]
    assert [c.ok for c in stream.end()] == [5]


def test_a_bundle_without_chunks_ends() -> None:
    assert list(ChunkStream(_lagging).end()) == []


def test_feeding_returns_when_all_chunks_are_begun_not_before() -> None:
    begun: list[int] = []

    def slow(chunks: Iterable[int]) -> Iterator[Counts]:
        for chunk in chunks:
            begun.append(chunk)
        yield from ()

    stream = ChunkStream(slow)
    assert list(stream.feed([7, 8])) == []
    assert begun == [7, 8]
    list(stream.end())


@pytest.mark.parametrize("when", ["feed", "end"])
def test_a_fault_of_the_worker_is_raised_where_beam_listens(when: str) -> None:
    def faulty(chunks: Iterable[int]) -> Iterator[Counts]:
        for chunk in chunks:
            if when == "feed":
                raise OSError(f"chunk {chunk}")
        yield Counts()
        raise OSError("at the end")

    stream = ChunkStream(faulty)
    with pytest.raises(OSError, match="chunk 3" if when == "feed" else "at the end"):
        list(stream.feed([3]))
        list(stream.end())


def test_a_worker_that_ends_early_is_no_success() -> None:
    def lazy(chunks: Iterable[int]) -> Iterator[Counts]:
        yield Counts()

    with pytest.raises(RuntimeError, match="DONE"):
        list(ChunkStream(lazy).feed([1]))


def test_abandoned_it_begins_no_other_chunk() -> None:
    begun: list[int] = []
    may_go_on, is_over = threading.Event(), threading.Event()

    def worker(chunks: Iterable[int]) -> Iterator[Counts]:
        for chunk in chunks:
            begun.append(chunk)
            yield Counts(ok=chunk)
            may_go_on.wait(10)
        is_over.set()

    stream = ChunkStream(worker)
    assert next(iter(stream.feed([1, 2, 3]))).ok == 1
    stream.abandon()
    may_go_on.set()
    assert is_over.wait(10)
    assert begun == [1]
