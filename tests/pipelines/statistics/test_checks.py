"""Records that are not what their schema says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images
from fcn_core.records import tfrecord
from fcn_core.records.record import SegmentationRecord

pytest.importorskip("tfx_bsl", reason="tfx-bsl (fcn[stats]) is not installed")
from tests.runs.stats_runs import changed, findings, rewritten

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a number outside its domain": ({"orientation": 9}, "image/orientation is outside"),
    "an unknown word": ({"source": b"mars"}, "class/source is not one of"),
    "too many values": ({"height": [20, 30]}, "image/height has a wrong number"),
    "no value": ({"width": []}, "image/width has a wrong number"),
    "another size": ({"height": 7}, "another size than the photo"),
    "other classes": ({"classes": [19]}, "other classes than its record lists"),
    "a label that is none": ({"label": b"P5 1 1"}, "the label does not decode"),
    "a class without a name": (
        {
            "label": images.encode_grey(np.full((20, 30), 77, np.uint8)),
            "height": 20,
            "width": 30,
        },
        "a class id of 21 or more",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_record_that_is_not_what_its_schema_says(
    fault: str, data: Path, tmp_path: Path
) -> None:
    values, expected = FAULTS[fault]
    folder = rewritten(data, tmp_path / "bad", changed(SegmentationRecord, **values))
    found = findings(folder)
    assert [expected in what for what in found.counts] == [True]
    assert [*found.counts.values()] == [1] and len(found.ids) == 1


def without(key: str) -> Callable[[list[bytes]], list[bytes]]:
    def change(frames: list[bytes]) -> list[bytes]:
        example = tfrecord.example_class().FromString(frames[0])
        del example.features.feature[key]
        return [example.SerializeToString(deterministic=True), *frames[1:]]

    return change


def of_another_type(frames: list[bytes]) -> list[bytes]:
    example = tfrecord.example_class().FromString(frames[0])
    example.features.feature["image/height"].bytes_list.value.append(b"20")
    return [example.SerializeToString(deterministic=True), *frames[1:]]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (without("image/format"), "image/format is missing"),
        (of_another_type, "the shard cannot be read"),
        (lambda frames: [b"no example", *frames[1:]], "the shard cannot be read"),
    ],
)
def test_records_of_another_form(
    change: Callable[[list[bytes]], list[bytes]],
    expected: str,
    data: Path,
    tmp_path: Path,
) -> None:
    found = findings(rewritten(data, tmp_path / "bad", change))
    assert any(expected in what for what in found.counts)
