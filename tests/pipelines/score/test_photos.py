"""Listed photos outside memory: the same rows, and marks in their order."""

import numpy as np
import pyarrow as pa
import pytest

from pipelines.score.keys import Keys, keys_of
from pipelines.score.photos import Chosen, Marks, Photos
from tests.drawn.night_plans import photos


def joined(items: Photos | Chosen) -> pa.Table:
    return pa.concat_tables([photos(), *items.tables()]).combine_chunks()


def test_photos_are_read_again_as_they_came() -> None:
    some = Photos([photos(1, 2), photos(), photos(3, 5)])
    assert some.num_rows == 4
    assert joined(some).equals(photos(1, 2, 3, 5))
    assert joined(some).equals(photos(1, 2, 3, 5))
    assert joined(Photos(())).num_rows == 0


def test_photos_in_any_order_are_sorted_and_there_once() -> None:
    some = Photos.sorted([photos(7, 9), photos(2, 7), photos(1)])
    assert joined(some).equals(photos(1, 2, 7, 9))


@pytest.mark.parametrize("bits", [0, 3, 9])
def test_marks_are_in_the_order_of_the_photos(bits: int) -> None:
    table = photos(*range(1000))
    wanted = set(keys_of(table.slice(0, 300)).tolist())
    asked = list[int]()

    def decide(number: int, keys: Keys) -> Marks:
        asked.append(number)
        return np.array([1 + (key in wanted) for key in keys.tolist()], np.uint8)

    some = Photos([table.slice(0, 450), table.slice(450)])
    assert some.mark(bits, decide).tolist() == [2] * 300 + [1] * 700
    assert asked == sorted(set(asked))
    assert asked[-1] < 1 << bits


def test_chosen_photos_keep_their_order() -> None:
    some = Photos([photos(0, 1, 2), photos(3, 4), photos(5, 6)])
    is_chosen = np.array([True, False, True, False, False, False, True])
    chosen = Chosen(some, is_chosen)
    assert chosen.num_rows == 3
    assert joined(chosen).equals(photos(0, 2, 6))
    assert list(Chosen(some, np.zeros(7, np.bool_)).tables()) == []
