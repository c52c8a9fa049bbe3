"""Frozen values: read as written, and settings that differ are named."""

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pipelines import files
from pipelines.chunks import frozen
from pipelines.chunks.frozen import Identified
from pipelines.faults import SystemicFault, UsageError

CURE = "restore it from a copy"


class Decision(Identified):
    unhashed: ClassVar[frozenset[str]] = frozenset({"sequence"})

    plan_id: str = ""
    sequence: int = 1
    settings: dict[str, int]
    names: tuple[str, ...]


DECISION = Decision(settings={"b": 1, "a": 2}, names=("x", "é")).identified()


def test_a_value_is_read_as_it_was_written(tmp_path: Path) -> None:
    uri = files.to_uri(tmp_path / "plan.json")
    assert frozen.read(uri, Decision, cure=CURE) is None
    assert files.create_once(uri, DECISION.encode())
    assert frozen.read(uri, Decision, cure=CURE) == DECISION


def test_an_id_is_of_the_content_whatever_its_order_and_place() -> None:
    other = Decision(settings={"a": 2, "b": 1}, names=("x", "é"), sequence=7)
    assert other.identified().plan_id == DECISION.plan_id
    changed = DECISION.model_copy(update={"names": ("x",)})
    assert not changed.is_sound
    assert changed.identified().plan_id != DECISION.plan_id


def test_every_flipped_bit_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    path, good = tmp_path / "plan.json", DECISION.encode()
    noticed = 0
    for position in range(len(good)):
        damaged = bytearray(good)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        try:
            found = frozen.read(files.to_uri(path), Decision, cure=CURE)
        except SystemicFault as fault:
            assert "got a damaged plan" in str(fault)
            assert str(fault).endswith(CURE)
            noticed += 1
        else:
            assert found is not None
            assert found.model_copy(update={"sequence": 1}) == DECISION
    assert noticed > len(good) / 2


@pytest.mark.parametrize(
    ("planned", "got", "message"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "--b: got 3, expected 2 as before"),
        ({"a": 1}, {"a": 1, "new": "x"}, "--new: got x, expected null as before"),
        ({"a": 1, "old": [1]}, {"a": 1}, "--old: got null, expected [1] as before"),
        ({"a": "y" * 99}, {"a": "n"}, f"--a: got n, expected {'y' * 77}... as before"),
    ],
)
def test_the_first_difference_is_named(
    planned: dict[str, Any], got: dict[str, Any], message: str
) -> None:
    frozen.check_same(planned, dict(reversed(planned.items())), cure="as before")
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        frozen.check_same(planned, got, flag="--", cure="as before")
