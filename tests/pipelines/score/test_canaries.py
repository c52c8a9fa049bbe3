"""Canaries: pins are written and read, and anything else is named."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipelines.faults import UsageError
from pipelines.score import canaries
from pipelines.score.canaries import Canary
from pipelines.score.gate_settings import GateSettings
from tests.doubles.stub_scoring import Machine, photo

NAMES = {0: "background", 15: "person"}
LIMITS = GateSettings()
TASKS = ("voc21", "aesthetics")


@pytest.fixture
def canary() -> Canary:
    data = photo(1, aesthetics=6.0, shown=[15, 7])
    pin = canaries.pin_of(Machine().score(data, TASKS), NAMES)
    return Canary("a.jpg", data, pin)


def test_a_pin_names_classes_and_means(canary: Canary) -> None:
    assert canary.pin.classes == {"background": 0.25, "person": 0.5, "7": 0.25}
    assert canary.pin.means == {"aesthetics": 6.0}


@pytest.mark.parametrize(
    ("shown", "drift", "expected"),
    [
        ([15, 7], 0.0, []),
        ([15, 7], 0.1, []),
        ([15, 7], 0.11, ["aesthetics_mean: got 6.11, expected 6.0 within 0.1"]),
        ([15, 8], 0.0, ["25.0% of the pixels in other classes, expected at most 2.0%"]),
        ([], -3.0, ["aesthetics_mean", "75.0% of the pixels"]),
    ],
)
def test_what_differs_is_named(
    canary: Canary, shown: list[int], drift: float, expected: list[str]
) -> None:
    score = Machine(drift).score(photo(1, aesthetics=6.0, shown=shown), TASKS)
    wrong = canaries.differences(canary, score, names=NAMES, limits=LIMITS)
    assert len(wrong) == len(expected)
    for text, part in zip(wrong, expected, strict=True):
        assert text.startswith("canary a.jpg: ")
        assert part in text


def test_a_canary_without_a_score_or_a_rating_is_wrong(canary: Canary) -> None:
    (wrong,) = canaries.differences(canary, "corrupt", names=NAMES, limits=LIMITS)
    assert wrong == "canary a.jpg: got corrupt, expected a score"
    score = Machine().score(canary.data, ("voc21",))
    (wrong,) = canaries.differences(canary, score, names=NAMES, limits=LIMITS)
    assert "got None, expected 6.0" in wrong
    # What is not pinned is not compared: another model may rate, too.
    plain = replace(canary, pin=canaries.Pin())
    assert canaries.differences(plain, score, names=NAMES, limits=LIMITS) == []


def _write(folder: Path, content: object) -> str:
    (folder / canaries.NAME).write_text(yaml.safe_dump(content))
    return str(folder)


def test_a_folder_of_canaries_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"data")
    pins = {"photos": {"a.jpg": {"means": {"technical": 5.5}}}}
    (found,) = canaries.load(_write(tmp_path, pins))
    assert (found.name, found.data) == ("a.jpg", b"data")
    assert found.pin.means == {"technical": 5.5}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"photos": {"gone.jpg": {}}}, "got nothing at .*gone.jpg"),
        ({"photos": {}}, "got 0 photos"),
        ({"photos": {"a.jpg": {"mean": 3}}}, "expected what fcn nightly --pin_can"),
        ("a word", "write it again"),
    ],
)
def test_a_folder_that_is_none(tmp_path: Path, content: object, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        canaries.load(_write(tmp_path, content))


def test_a_folder_without_pins_or_with_too_much(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="write them with fcn nightly --pin_canaries"):
        canaries.load(str(tmp_path))
    (tmp_path / "large.jpg").write_bytes(b"x" * (canaries.MOST_BYTES + 1))
    with pytest.raises(UsageError, match="got 1 photos of 4096 KiB"):
        canaries.load(_write(tmp_path, {"photos": {"large.jpg": {}}}))
