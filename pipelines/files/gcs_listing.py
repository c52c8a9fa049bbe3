"""Listing a bucket: ranges of names side by side, in streamed pages.

The store lists in order, a thousand names a request, so one walk through 10 million
names is 10,000 requests in a row. Here a long range is cut in two wherever a thread has
nothing to do; where to cut is guessed from the names so far, and a wrong guess costs
one empty page.
"""

import contextlib
import itertools
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from google.cloud import storage

from pipelines.files import gcs_client

_THREADS: Final = 16
_PAGE: Final = 1000
_FIELDS: Final = "items(name,size,crc32c,generation),nextPageToken"
_HIGHEST: Final = 0x7F
"""The guesses are ASCII: what lies above is listed with the last range."""

Page = list[storage.Blob]


@dataclass
class _Range:
    """Names from `start`, which may be listed already, to before `end`."""

    start: str
    end: str | None
    is_begun: bool = False


@dataclass
class _Walk:
    """Ranges that wait, and threads that do."""

    bucket: str
    prefix: str
    page: int = _PAGE
    waiting: "queue.SimpleQueue[_Range | None]" = field(
        default_factory=queue.SimpleQueue
    )
    pages: "queue.Queue[Page | BaseException | None]" = field(
        default_factory=lambda: queue.Queue(2 * _THREADS)
    )
    is_over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    open_ranges: int = 0
    idle: int = 0

    def add(self, part: _Range) -> None:
        with self.lock:
            self.open_ranges += 1
        self.waiting.put(part)

    def done(self) -> None:
        with self.lock:
            self.open_ranges -= 1
            is_last = self.open_ranges == 0
        if is_last:
            self.put(None)

    def put(self, page: "Page | BaseException | None") -> None:
        """Hands a page to the reader, unless the reader has gone."""
        while not self.is_over.is_set():
            with contextlib.suppress(queue.Full):
                self.pages.put(page, timeout=0.2)
                return


def list_below(
    bucket: str, prefix: str, *, page: int = _PAGE
) -> Iterator[storage.Blob]:
    """Yields the objects whose names begin with a prefix, in no order.

    Args:
        bucket: Its name.
        prefix: Of the names.
        page: Names a request.

    Raises:
        FileNotFoundError: There is no such bucket.
        SystemicFault: The store cannot be listed.
    """
    walk = _Walk(bucket, prefix, page)
    walk.add(_Range(prefix, None))
    for _ in range(_THREADS):
        threading.Thread(target=_work, args=[walk], daemon=True, name="list").start()
    try:
        while (found := walk.pages.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield from found
    finally:
        walk.is_over.set()
        for _ in range(_THREADS):
            walk.waiting.put(None)


def _work(walk: _Walk) -> None:
    while not walk.is_over.is_set():
        with walk.lock:
            walk.idle += 1
        part = walk.waiting.get()
        with walk.lock:
            walk.idle -= 1
        if part is None:
            return
        try:
            _list_range(walk, part)
        except BaseException as error:
            walk.put(error)
            return
        walk.done()


def _list_range(walk: _Walk, part: _Range) -> None:
    while not walk.is_over.is_set():
        found = _list_page(walk, part)
        is_end = len(found) < walk.page
        if part.is_begun and found and found[0].name == part.start:
            found = found[1:]
        walk.put(found)
        if is_end:
            return
        part.start, part.is_begun = found[-1].name, True
        if walk.idle > walk.waiting.qsize():
            _cut(walk, part)


def _list_page(walk: _Walk, part: _Range) -> Page:
    def request() -> Page:
        return list(
            gcs_client.client().list_blobs(
                walk.bucket,
                prefix=walk.prefix,
                start_offset=part.start,
                end_offset=part.end,
                max_results=walk.page,
                page_size=walk.page,
                fields=_FIELDS,
                timeout=gcs_client.TIMEOUT,
                retry=None,
            )
        )

    return gcs_client.call(gcs_client.uri_of(walk.bucket, walk.prefix), request)


def _cut(walk: _Walk, part: _Range) -> None:
    """Gives the second half of a range to an idle thread."""
    middle = name_between(part.start, part.end, prefix=walk.prefix)
    if middle is not None:
        walk.add(_Range(middle, part.end))
        part.end = middle


def name_between(start: str, end: str | None, *, prefix: str) -> str | None:
    """Returns a name about halfway between two others; None where none is found.

    Args:
        start: A name.
        end: A later one; None: all names with the prefix.
        prefix: What both begin with.
    """
    common, high = prefix, _HIGHEST
    if end is not None:
        pairs = itertools.takewhile(lambda two: two[0] == two[1], zip(start, end))  # noqa: B905
        common = "".join(character for character, _ in pairs)
        high = ord(end[len(common)])
    for character in start[len(common) :]:
        low = ord(character)
        if low > _HIGHEST:
            return None
        if high - low > 1:
            return common + chr((low + min(high, _HIGHEST)) // 2)
        common, high = common + character, _HIGHEST
    return None
