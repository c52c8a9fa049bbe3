"""Values that never change: read as they were written, or a fault."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipelines import files
from pipelines.chunks import frozen
from pipelines.chunks.frozen import Identified
from pipelines.faults import SystemicFault, UsageError


class Recipe(Identified):
    plan_id: str = ""
    place: int
    name: str
    steps: tuple[int, ...]


RECIPE = Recipe(place=1, name="bread", steps=(3, 5)).identified()


def read(path: Path) -> Recipe | None:
    return frozen.read(str(path), Recipe, cure="bake again")


def test_a_value_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    assert read(path) is None
    files.create_once(str(path), RECIPE.encode())
    assert read(path) == RECIPE


def test_the_id_is_of_all_the_content() -> None:
    assert RECIPE.is_sound
    assert not RECIPE.model_copy(update={"place": 2}).is_sound
    assert not RECIPE.model_copy(update={"name": "cake"}).is_sound
    assert not RECIPE.model_copy(update={"plan_id": "0" * 64}).is_sound


def test_a_damaged_file_is_noticed_or_means_the_same(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    data = RECIPE.encode()
    noticed = 0
    for position in range(len(data)):
        for damaged in (
            data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :],
            data[:position],
        ):
            path.write_bytes(damaged)
            try:
                found = read(path)
            except SystemicFault as fault:
                assert str(path) in str(fault) and "; bake again" in str(fault)
                noticed += 1
            else:
                assert found == RECIPE
    assert noticed > len(data)


def refusal(planned: dict[str, Any], got: dict[str, Any], **options: str) -> str:
    with pytest.raises(UsageError) as caught:
        frozen.check_same(planned, got, cure="as planned; repeat it", **options)
    return str(caught.value)


def test_the_first_difference_is_named() -> None:
    planned = {"a": 1, "b": [2], "c": "three"}
    frozen.check_same(planned, dict(planned), cure="")
    assert refusal(planned, {**planned, "b": [5], "c": "six"}) == (
        "b: got [5], expected [2] as planned; repeat it"
    )
    assert refusal(planned, {**planned, "c": "six"}, flag="--").startswith(
        "--c: got six, expected three as planned"
    )


def test_a_setting_of_one_side_only_is_a_difference() -> None:
    assert refusal({"a": 1}, {"a": 1, "new": 2}).startswith(
        "new: got 2, expected null as"
    )
    assert refusal({"a": 1, "old": 2}, {"a": 1}).startswith(
        "old: got null, expected 2 as"
    )


def test_long_values_are_shortened() -> None:
    message = refusal({"a": "x" * 500}, {"a": list(range(500))})
    assert re.search(r"got \[0, 1, .*\.\.\., expected x{77}\.\.\. as", message)
    assert len(message) < 250


def test_unknown_fields_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({**json.loads(RECIPE.encode()), "salt": 1}))
    with pytest.raises(SystemicFault, match="damaged plan"):
        read(path)
