"""The table of slots: each has one owner, and none is lost."""

import random

import pytest

from pipelines.lanes.gpu.slots import SlotState, SlotTable

WAY = [
    SlotState.READY,
    SlotState.COMPUTING,
    SlotState.COMPUTING,
    SlotState.DONE,
    SlotState.DRAINING,
    SlotState.FREE,
]


def test_slots_go_their_way_in_any_mixture() -> None:
    table, chosen = SlotTable(5), random.Random(0)
    on_way: dict[int, list[SlotState]] = {}
    for _ in range(3000):
        if chosen.random() < 0.4:
            slot = table.take()
            assert (slot is None) == (len(on_way) == 5)
            if slot is not None:
                assert slot not in on_way
                on_way[slot] = list(WAY)
        elif on_way:
            slot = chosen.choice(list(on_way))
            state = on_way[slot].pop(0)
            if state is not SlotState.DRAINING and chosen.random() < 0.1:
                state = SlotState.FREE  # given up: a bad photo, a fault
            table.move([slot], state)
            if state is SlotState.FREE:
                del on_way[slot]
        assert table.count(SlotState.FREE) == 5 - len(on_way)


@pytest.mark.parametrize(
    "states",
    [
        [SlotState.FILLING],
        [SlotState.COMPUTING],
        [SlotState.DONE],
        [SlotState.READY, SlotState.DRAINING],
        [SlotState.FREE, SlotState.FREE],
        [*WAY[:5], SlotState.DRAINING],
    ],
)
def test_a_second_owner_is_a_bug(states: list[SlotState]) -> None:
    table = SlotTable(1)
    slot = table.take()
    assert slot == 0
    for state in states[:-1]:
        table.move([slot], state)
    with pytest.raises(RuntimeError, match="this is a bug"):
        table.move([slot], states[-1])
