"""One stream of chunks a bundle: a worker goes on while Beam fetches its next element.

A worker that finished each element before it took the next would empty its lanes and
fill them again every time. Here it asks for more as soon as it has begun the last chunk
it was given, so at most the chunks in its hands are behind what Beam takes for done;
the end of the bundle waits for them.
"""

import enum
import queue
import threading
from collections.abc import Callable, Iterable, Iterator

from pipelines.chunks.counts import Counts


class _Signal(enum.Enum):
    HUNGRY = enum.auto()
    DONE = enum.auto()


class ChunkStream:
    """Runs a worker in a thread of its own, fed with chunks as they come.

    Args:
        process: See `chunks.job.ChunkWorker.process`.
    """

    def __init__(self, process: Callable[[Iterable[int]], Iterator[Counts]]):
        self._process = process
        self._given: queue.SimpleQueue[Iterable[int] | None] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[Counts | BaseException | _Signal]
        self._told = queue.SimpleQueue()
        self._is_abandoned = threading.Event()
        self._thread = threading.Thread(target=self._work, name="chunks", daemon=True)
        self._thread.start()

    def feed(self, chunks: Iterable[int]) -> Iterator[Counts]:
        """Gives the worker chunks; yields what is done until it asks for more.

        Raises:
            BaseException: What the worker raised.
        """
        self._given.put(chunks)
        yield from self._until(_Signal.HUNGRY)

    def end(self) -> Iterator[Counts]:
        """Yields what is not yet told, to the end of the last chunk.

        Raises:
            BaseException: What the worker raised.
        """
        self._given.put(None)
        yield from self._until(_Signal.DONE)
        self._thread.join()

    def abandon(self) -> None:
        """Has the worker stop after the chunks in its hands; nobody listens."""
        self._is_abandoned.set()
        self._given.put(None)

    def _until(self, signal: _Signal) -> Iterator[Counts]:
        while (told := self._told.get()) is not signal:
            if isinstance(told, BaseException):
                raise told
            if isinstance(told, _Signal):
                raise RuntimeError(f"a worker of chunks is {told.name}, not {signal}")
            yield told

    def _work(self) -> None:
        try:
            for counts in self._process(self._chunks()):
                self._told.put(counts)
        except BaseException as fault:
            self._told.put(fault)
        else:
            self._told.put(_Signal.DONE)

    def _chunks(self) -> Iterator[int]:
        while (chunks := self._given.get()) is not None:
            for chunk in chunks:
                if self._is_abandoned.is_set():
                    return
                yield chunk
            self._told.put(_Signal.HUNGRY)
