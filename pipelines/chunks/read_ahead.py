"""Reads items with threads, in order, before they are needed."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Read = TypeVar("Read")


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Read], *, threads: int, depth: int
) -> Iterator[Read]:
    """Yields `read(item)` in order, a few ahead of need, to hide a store's latency.

    Args:
        items: What to read; items are taken in the caller's thread.
        read: Reads an item; its exception is raised here, in the item's turn.
        threads: Number of items that are read at once.
        depth: Largest number of items that are read and not yet yielded.
    """
    waiting: deque[Future[Read]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="read-ahead") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(read, item))
                if len(waiting) >= depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
