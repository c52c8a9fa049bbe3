"""`fcn convert folder`: what the values of masks are taken for."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images
from fcn_core.records.dataset_info import read_dataset_info
from fcn_core.records.record import SegmentationRecord
from tests.drawn import tiny_data
from tests.drawn.own_data import NAMES, class_map
from tests.runs.convert_runs import check_schema, convert, records, rejected

pytestmark = pytest.mark.usefixtures("warm_lanes")


def test_without_a_label_map_values_are_class_ids(data: Path) -> None:
    out = data / "out"
    counts = {str(value): 0 for value in (0, 1, 2, 255)}
    for number, name in enumerate(NAMES):
        labels = class_map(number)
        labels[labels == 9] = 255
        (data / f"indices/{name}.png").write_bytes(tiny_data.png(labels))
        for value in counts:
            counts[value] += int((labels == int(value)).sum())
    assert convert("folder", out, input=data / "photos", targets=data / "indices") == 0
    info = read_dataset_info(out)
    assert info.classes == ["class_0", "class_1", "class_2"] and info.void == 255
    assert info.pixels == counts
    assert "max: 2" in (out / "schema.pbtxt").read_text()
    assert check_schema(out) == len(NAMES)


def write_masks(folder: Path, values: dict[int, int]) -> None:
    """Writes masks with other values for those of `class_map`."""
    for number, name in enumerate(NAMES):
        labels = np.zeros((30, 40), np.uint8)
        for value, other in values.items():
            labels[class_map(number) == value] = other
        (folder / f"{name}.png").write_bytes(tiny_data.png(labels))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({0: 0, 1: 255, 2: 255, 9: 0}, "got one class, the value 0, and "),
        ({0: 0, 1: 0, 2: 0, 9: 0}, "got one class, the value 0, and 0.0% void"),
        ({0: 1, 1: 1, 2: 1, 9: 255}, "got one class, the value 1, and "),
        ({0: 0, 1: 1, 2: 3, 9: 255}, "the values 0, 1, 3 as class ids, without 2"),
        ({0: 1, 1: 2, 2: 3, 9: 3}, "the values 1, 2, 3 as class ids, without 0"),
        ({0: 0, 1: 100, 2: 200, 9: 0}, "the values 0, 100, 200 as class ids"),
    ],
)
def test_masks_that_cannot_be_meant_are_refused(
    data: Path,
    values: dict[int, int],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_masks(data / "indices", values)
    named: dict[str, Any] = {"input": data / "photos", "targets": data / "indices"}
    assert convert("folder", data / "out", **named) == 3
    error = capsys.readouterr().err
    assert message in error
    assert "--label_map" in error and "choose another --output" in error
    assert ("--void_value none" in error) == (
        "one class" in error and 255 in values.values()
    )
    assert not (data / "out" / "COMPLETED").exists()
    distinct = sorted(set(values.values()) - {255})
    names = {str(value): f"thing {value}" for value in distinct}
    (data / "own.json").write_text(json.dumps({"classes": names}))
    flags = ["--label_map", str(data / "own.json")]
    assert convert("folder", data / "named", *flags, **named) == 0
    assert read_dataset_info(data / "named").classes == list(names.values())


def test_masks_of_nearly_nothing_but_void_are_refused(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(NAMES):
        labels = np.full((30, 40), 255, np.uint8)
        labels[:2, :20], labels[2:4, :20] = 0, number % 2
        (data / f"indices/{name}.png").write_bytes(tiny_data.png(labels))
    named: dict[str, Any] = {"input": data / "photos", "targets": data / "indices"}
    assert convert("folder", data / "out", **named) == 3
    assert "93.3% of the pixels are void (value 255)" in capsys.readouterr().err


def test_without_void_masks_of_0_and_255_have_two_classes(data: Path) -> None:
    values = {0: 0, 1: 255, 2: 255, 9: 0}
    write_masks(data / "indices", values)
    odd = np.where(class_map(0) == 9, 3, 255).astype(np.uint8)
    (data / f"indices/{NAMES[0]}.png").write_bytes(tiny_data.png(odd))
    out, flags = data / "out", ["--void_value", "none"]
    named: dict[str, Any] = {"input": data / "photos", "targets": data / "indices"}
    assert convert("folder", out, *flags, **named) == 0
    assert read_dataset_info(out).classes == ["class_0", "class_1"]
    assert rejected(out) == {NAMES[0]: "label-value"}
    for source_id, record in records(SegmentationRecord, out, "train").items():
        expected = np.isin(class_map(NAMES.index(source_id)), (1, 2)).astype(np.uint8)
        assert np.array_equal(images.decode_mask(record.label), expected)
        assert record.classes == (1,)
