"""Reading ahead: in order, a few items only, and faults in their turn."""

import threading
from collections.abc import Iterable

import pytest

from pipelines.chunks.read_ahead import read_ahead


def test_reading_ahead_keeps_order_and_holds_a_few_only() -> None:
    taken, reading, most = [], threading.Semaphore(0), []

    def items() -> Iterable[int]:
        for number in range(40):
            taken.append(number)
            yield number

    def read(number: int) -> int:
        reading.release()
        return -number

    got = []
    for value in read_ahead(items(), read, threads=3, depth=5):
        got.append(value)
        most.append(len(taken) - len(got))
    assert got == [-number for number in range(40)]
    assert max(most) <= 5


def raising(number: int) -> int:
    if number == 3:
        raise OSError(28, "No space left on device")
    return number


def test_reading_ahead_raises_in_turn() -> None:
    results = read_ahead(range(10), raising, threads=4, depth=8)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="No space"):
        next(results)
