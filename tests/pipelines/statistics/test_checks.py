"""Every fault of a record that `fcn stats` must find."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images
from fcn_core.records import tfrecord
from fcn_core.records.record import ImageRecord, SegmentationRecord
from pipelines.statistics.checks import Findings
from pipelines.statistics.plan import plan_statistics
from pipelines.statistics.shard import read_shard
from tests.runs.statistics_runs import rewritten, stats

pytest.importorskip("tfx_bsl", reason="tfx-bsl (fcn[stats]) is not installed")

pytestmark = pytest.mark.usefixtures("warm_lanes")


def changed(
    record_type: type[ImageRecord], **values: Any
) -> Callable[..., list[bytes]]:
    """Returns what gives the first record other values, whatever its domain says."""

    def change(frames: list[bytes]) -> list[bytes]:
        record = record_type.parse(frames[0])
        example = tfrecord.example_class().FromString(frames[0])
        for name, value in values.items():
            key = record_type.__dataclass_fields__[name].metadata["feature"].key
            slot = example.features.feature[key]
            filled = getattr(slot, slot.WhichOneof("kind")).value
            del filled[:]
            filled.extend(value if isinstance(value, list) else [value])
        assert record.source_id
        return [example.SerializeToString(deterministic=True), *frames[1:]]

    return change


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


def findings(folder: Path) -> Findings:
    """Returns what is wrong with the changed shard; no graph around it."""
    plan = plan_statistics(str(folder), None)
    shard = next(s for split, s in plan.shards if split == "train" and s.records > 1)
    uri = str(folder / shard.name)
    return read_shard(uri, shard, plan.plan.how).contents.findings


def test_what_is_wrong_is_reported_everywhere(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = changed(SegmentationRecord, orientation=9)
    folder = rewritten(data, tmp_path / "bad", wrong)
    code, answer, error = stats(folder, tmp_path / "s.json", capsys)
    assert (code, answer["valid"]) == (1, False)
    (finding,) = answer["findings"]
    for text in (finding["what"], finding["ids"][0]):
        assert text in error and text in (tmp_path / "s.html").read_text()
    counted = answer["splits"]["train"]["counted"]
    assert counted == answer["splits"]["train"]["records"] - 1


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
