"""One stream of chunks a bundle: a worker goes on while Beam fetches its next element.

A worker that finished each element before it took the next would empty its lanes and
fill them again every time. Here it asks for more as soon as it has begun its last
chunk, so Beam counts an element as processed while its last chunks are still in work;
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
        process: `ChunkWorker.process` of one attempt, see `chunks.job`.
    """

    def __init__(self, process: Callable[[Iterable[int]], Iterator[Counts]]):
        self._process = process
        self._given: queue.SimpleQueue[Iterable[int] | None] = queue.SimpleQueue()
        self._reports: queue.SimpleQueue[Counts | BaseException | _Signal]
        self._reports = queue.SimpleQueue()
        self._is_abandoned = threading.Event()
        self._thread = threading.Thread(target=self._work, name="chunks", daemon=True)
        self._thread.start()

    def feed(self, chunks: Iterable[int]) -> Iterator[Counts]:
        """Gives the worker chunks; yields the finished counts until it asks for more.

        Raises:
            BaseException: What the worker raised.
        """
        self._given.put(chunks)
        yield from self._until(_Signal.HUNGRY)

    def end(self) -> Iterator[Counts]:
        """Yields the remaining counts until the last chunk is done.

        Raises:
            BaseException: What the worker raised.
        """
        self._given.put(None)
        yield from self._until(_Signal.DONE)
        self._thread.join()

    def abandon(self) -> None:
        """Stops the worker after its current chunks and drops their counts."""
        self._is_abandoned.set()
        self._given.put(None)

    def _until(self, signal: _Signal) -> Iterator[Counts]:
        while (report := self._reports.get()) is not signal:
            if isinstance(report, BaseException):
                raise report
            if isinstance(report, _Signal):
                raise RuntimeError(f"a worker of chunks is {report.name}, not {signal}")
            yield report

    def _work(self) -> None:
        try:
            for counts in self._process(self._chunks()):
                self._reports.put(counts)
        except BaseException as fault:
            self._reports.put(fault)
        else:
            self._reports.put(_Signal.DONE)

    def _chunks(self) -> Iterator[int]:
        while (chunks := self._given.get()) is not None:
            for chunk in chunks:
                if self._is_abandoned.is_set():
                    return
                yield chunk
            self._reports.put(_Signal.HUNGRY)
