"""Which rows are computed next: full batches, of one kind, and nobody for ever last."""

import threading
import time

import pytest

from pipelines.lanes.gpu.batches import Batches
from pipelines.lanes.gpu.photos import Kind, Photo, Row
from pipelines.lanes.gpu.settings import DeviceSettings

SMALL, LARGE = Kind(0, 128, 128), Kind(0, 256, 256)


def batches(*, starved: bool = False, wait_seconds: float = 60.0) -> Batches:
    settings = DeviceSettings(
        task="", slot_bytes=1, batch=4, wait_seconds=wait_seconds, patience=3
    )
    return Batches(settings, lambda: starved)


def rows(kind: Kind, count: int) -> list[Row]:
    photo: Photo = object()  # type: ignore[assignment]
    return [Row(photo, kind, (number, number)) for number in range(count)]


def taken(found: Batches) -> tuple[Kind, int, int]:
    batch = found.take()
    assert batch is not None
    assert {row.kind for row in batch.rows} == {batch.kind}
    return batch.kind, len(batch.rows), batch.size


def test_full_batches_go_first_in_the_order_of_their_first_rows() -> None:
    found = batches()
    found.add(rows(SMALL, 3))
    found.add(rows(LARGE, 4))
    assert taken(found) == (LARGE, 4, 4)
    found.add(rows(LARGE, 4))
    found.add(rows(SMALL, 2))
    assert taken(found) == (SMALL, 4, 4)
    assert taken(found) == (LARGE, 4, 4)


def test_an_idle_device_waits_a_while_for_more() -> None:
    found = batches(wait_seconds=0.2)
    found.add(rows(SMALL, 1))
    found.add(rows(LARGE, 2))
    start = time.monotonic()
    assert taken(found) == (LARGE, 2, 4)  # the fullest
    assert time.monotonic() - start >= 0.2


def test_it_does_not_wait_where_nothing_more_can_come() -> None:
    found = batches(starved=True)
    found.add(rows(SMALL, 3))
    assert taken(found) == (SMALL, 3, 4)


def test_a_waiting_device_takes_what_comes() -> None:
    found = batches()
    threading.Timer(0.05, found.add, [rows(SMALL, 4)]).start()
    assert taken(found) == (SMALL, 4, 4)


def test_a_rare_kind_lets_few_batches_pass() -> None:
    found = batches()
    found.add(rows(LARGE, 1))
    order = []
    for _ in range(6):
        found.add(rows(SMALL, 4))
        order.append(taken(found)[0])
    assert order == [SMALL] * 4 + [LARGE, SMALL]


def test_rows_to_be_tried_again_go_before_all_others_as_they_are() -> None:
    found = batches()
    first, second = rows(SMALL, 1), rows(SMALL, 2)
    found.add(rows(SMALL, 4))
    found.again(tuple(first))
    found.again(tuple(second))
    assert [taken(found)[1] for _ in range(3)] == [1, 2, 4]


def test_batches_of_a_model_shrink_by_their_pixels() -> None:
    found = batches()
    found.add(rows(LARGE, 4))
    batch = found.take()
    assert batch is not None
    found.shrink(batch)
    found.again(batch.rows)
    assert [taken(found) for _ in range(2)] == [(LARGE, 2, 2)] * 2
    found.add(rows(SMALL, 8))
    assert taken(found) == (SMALL, 4, 4)  # four times as small
    other = Kind(1, 256, 256)
    found.add(rows(other, 4))
    assert taken(found) in ((other, 4, 4), (SMALL, 4, 4))


@pytest.mark.parametrize("is_waiting", [True, False])
def test_there_is_an_end(is_waiting: bool) -> None:
    found = batches()
    if is_waiting:
        threading.Timer(0.05, found.close).start()
    else:
        found.add(rows(SMALL, 4))
        found.close()
    assert found.take() is None
