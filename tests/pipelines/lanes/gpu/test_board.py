"""What decoding lanes do next: small steps together, shared out, never all slots."""

import queue
import threading

import pytest

from pipelines.lanes.caller import Work
from pipelines.lanes.gpu.board import Board
from pipelines.lanes.gpu.photos import Photo
from pipelines.lanes.gpu.slots import SlotState, SlotTable
from pipelines.lanes.messages import Request
from pipelines.lanes.trial import Case


def photo(size: int = 1000) -> Photo:
    return Photo(Work(0, Case(Request({}, [bytes(size)])), queue.SimpleQueue()))


def board(*, slots: int = 32, lanes: int = 2) -> Board:
    return Board(SlotTable(slots), lanes)


@pytest.mark.parametrize(
    ("photos", "slots", "expected"),
    [
        (20, 32, [4, 4, 4, 4, 2, 1, 1]),  # four at most; the last ones are shared out
        (3, 32, [2, 1]),
        (20, 8, [1] * 8),  # of few slots the device gets some soon
        (20, 16, [2, 2, 2, 2, 2, 2, 2, 1, 1]),
    ],
)
def test_steps_are_taken_together_where_there_are_enough_for_all(
    photos: int, slots: int, expected: list[int]
) -> None:
    found = board(slots=slots)
    for _ in range(photos):
        found.prepare(photo())
    assert [len(found.next()) for _ in expected] == expected


def test_large_photos_are_asked_about_one_by_one() -> None:
    found = board()
    for size in (600_000, 600_000, 300_000, 300_000, 1000, 1000, 1000, 1000):
        found.prepare(photo(size))
    assert [len(found.next()) for _ in range(3)] == [1, 1, 2]


def test_rows_come_before_photos_and_free_their_slots() -> None:
    found, first = board(), [photo() for _ in range(8)]
    for each in first:
        found.prepare(each)
    taken = found.next()
    assert [state for _, state in taken] == [SlotState.FILLING] * 4
    photos = [each for each, _ in taken]
    for each in photos:
        assert each.slot is not None
        for state in (SlotState.READY, SlotState.COMPUTING, SlotState.DONE):
            found._table.move(each.slot, state)
    found.finish(photos)
    assert found.next() == [(each, SlotState.DRAINING) for each in photos]
    found.release(photos)
    assert [each.slot for each in photos] == [None] * 4
    assert found._table.count(SlotState.FREE) == 32


def test_there_is_an_end_for_lanes_that_wait() -> None:
    found = board()
    threading.Timer(0.05, found.close).start()
    assert found.next() == []
