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
        (50, 64, [16, 16, 9, 5, 2, 1, 1]),  # the last ones are shared out
        (20, 32, [8, 6, 3, 2, 1]),
        (3, 32, [2, 1]),
        (20, 8, [2, 2, 2, 1, 1]),  # of few slots the device gets some soon
        (20, 2, [1, 1]),
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


def test_rows_of_large_photos_are_not_made_together() -> None:
    found, photos = board(lanes=1), [photo(5 << 20) for _ in range(4)]
    for each in photos:
        found.prepare(each)
    assert [len(found.next()) for _ in photos] == [1] * 4
    for state in (SlotState.READY, SlotState.COMPUTING, SlotState.DONE):
        found._table.move([0, 1, 2, 3], state)
    found.finish(photos)
    assert [len(found.next()) for _ in photos] == [1] * 4


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
            found._table.move([each.slot], state)
    found.finish(photos)
    assert found.next() == [(each, SlotState.DRAINING) for each in photos]
    found.release(photos)
    assert [each.slot for each in photos] == [None] * 4
    assert found._table.count(SlotState.FREE) == 32


def test_there_is_an_end_for_lanes_that_wait() -> None:
    found = board()
    threading.Timer(0.05, found.close).start()
    assert found.next() == []


def test_lanes_are_starved_where_no_slot_is_free_and_no_row_can_be_made() -> None:
    found = board(slots=4, lanes=1)
    found.begin()
    photos = [photo() for _ in range(5)]
    for each in photos:
        found.prepare(each)
    assert not found.is_starved()
    assert sum(len(found.next()) for _ in range(2)) == 4
    assert found.is_starved()  # also while a lane still decodes
    for state in (SlotState.READY, SlotState.COMPUTING, SlotState.DONE):
        found._table.move([0, 1, 2, 3], state)
    found.finish(photos[:4])
    assert not found.is_starved()


def test_devices_need_not_wait_for_more_photos_after_the_last_one() -> None:
    found = board()
    found.begin()
    found.prepare(photo())
    found.end()
    assert not found.is_starved()
    (step,) = found.next()
    assert not found.is_starved()  # its rows are still to come
    assert step[0].slot is not None
    found._table.move([step[0].slot], SlotState.READY)
    assert found.is_starved()
