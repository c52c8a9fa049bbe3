"""Rates follow their plan, and plateaus are met across epochs."""

from dataclasses import replace
from typing import Any

import pytest

from fcn_core.training import schedules
from tests.drawn.tiny_trainers import TINY


def test_schedules() -> None:
    recipe = replace(TINY, epochs=4, decay_factor=0.1, decay_epochs=2)

    def rates(**changes: Any) -> list[float]:
        chosen = replace(recipe, **changes)
        return [
            schedules.rate_factor(chosen, step=step, steps_an_epoch=2)
            for step in range(8)
        ]

    assert rates(schedule="constant") == [1.0] * 8
    assert rates(schedule="step") == pytest.approx([1.0] * 4 + [0.1] * 4)
    poly = rates(schedule="poly", decay_power=1.0)
    assert poly == pytest.approx([1 - n / 8 for n in range(8)])
    warm = rates(schedule="constant", warm_up=1.5)
    assert warm == pytest.approx([1 / 3, 2 / 3, 1, 1, 1, 1, 1, 1])
    for drops, factor in ((0, 1.0), (1, 0.2), (9, 0.05)):
        plateau = replace(recipe, schedule="plateau", decay_factor=0.2, least_rate=0.05)
        got = schedules.rate_factor(plateau, step=5, steps_an_epoch=2, drops=drops)
        assert got == pytest.approx(factor)


def test_plateau_is_met_across_epochs() -> None:
    drops = schedules.plateau_drops
    assert drops([0.1, 0.2, 0.2, 0.2], patience=3) == 0
    assert drops([0.1, 0.2, 0.2, 0.2, 0.1], patience=3) == 1
    assert drops([0.1, 0.2, 0.2, 0.2, 0.1, 0.3], patience=3) == 1
    assert drops([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], patience=3) == 2
    assert drops([0.2, float("nan")], patience=1) == 1
