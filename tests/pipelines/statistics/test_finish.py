"""`fcn stats`: figures that a plain reading confirms, and every fault it must find."""

import dataclasses
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images
from fcn_core.datasets.pascal import drawn
from fcn_core.labels import VOID
from fcn_core.records import dataset_info, tfrecord
from fcn_core.records.record import AestheticsRecord, ImageRecord, SegmentationRecord
from pipelines.chunks.attempt import Attempt
from pipelines.cli import main
from pipelines.statistics import batches
from pipelines.statistics.checks import Findings
from pipelines.statistics.finish import SAMPLES
from pipelines.statistics.plan import plan_statistics
from pipelines.statistics.shard import read_shard
from pipelines.statistics.worker import StatisticsWorker
from tests.drawn import tiny_ava
from tests.runs import convert_runs

pytest.importorskip("tfx_bsl", reason="tfx-bsl (fcn[stats]) is not installed")

_JPEG = "image/encoded"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stats")
    drawn.write_voc(root / "VOC", train=9, val=4)
    flags: dict[str, Any] = {"input": root / "VOC", "num_shards": 3}
    assert convert_runs.convert("voc", root / "records[1]", **flags) == 0
    return root / "records[1]"


def stats(
    folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any], str]:
    """Runs the command; returns exit code, answer and what it complained about."""
    capsys.readouterr()
    code = main.main(["stats", str(folder), "--output", str(output), "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else {}, said.err


def rewritten(
    data: Path,
    folder: Path,
    change: Callable[[list[bytes]], Sequence[bytes]],
    *,
    settings: dict[str, Any] | None = None,
) -> Path:
    """Copies a data set with one shard changed, as a converter with a fault would."""
    folder.mkdir()
    for path in data.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    info = dataset_info.read_dataset_info(data)
    name = next(s.name for s in info.splits["train"].files if s.records > 1)
    frames = list(change(list(tfrecord.read_frames(data / name))))
    with (folder / name).open("wb") as file:
        for frame in frames:
            tfrecord.write_frame(file, frame)
    content = (folder / name).read_bytes()
    raw = json.loads(info.to_json())
    raw["settings"] |= settings or {}
    train = raw["splits"]["train"]
    for shard in train["files"]:
        if shard["name"] == name:
            gained = len(frames) - shard["records"]
            digest = hashlib.sha256(content).hexdigest()
            shard |= {"records": len(frames), "bytes": len(content), "sha256": digest}
    train |= {
        "records": train["records"] + gained,
        "read": train["read"] + gained,
    }
    (folder / dataset_info.INFO_NAME).write_text(json.dumps(raw))
    return folder


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


def test_the_figures_are_those_of_a_plain_reading(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer, said = stats(data, tmp_path / "s.json", capsys)
    assert (code, said, answer["valid"]) == (0, "", True)
    pixels, of, sizes = Counter[int](), Counter[int](), Counter[int]()
    for split, records in (("train", 9), ("val", 4)):
        found = convert_runs.records(SegmentationRecord, data, split)
        assert answer["splits"][split]["records"] == len(found) == records
        for record in found.values():
            counts = np.bincount(images.decode_mask(record.label).ravel())
            present = {int(i): int(counts[i]) for i in np.flatnonzero(counts)}
            pixels.update(present)
            of.update(present.keys())
            sizes[max(record.height, record.width)] += 1
    labels = answer["total"]["labels"]
    for row in labels["classes"]:
        assert (row["pixels"], row["images"]) == (pixels[row["id"]], of[row["id"]])
    assert labels["void"]["pixels"] == pixels[VOID] > 0
    assert labels["void"]["share"] == pixels[VOID] / pixels.total()
    assert labels["sources"]["voc"]["images"] == 13
    sides = answer["total"]["photos"]["longer_sides"]
    assert sides == {str(side): n for side, n in sorted(sizes.items())}
    assert len(answer["samples"]) == SAMPLES
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.html", "s.json"]
    page = (tmp_path / "s.html").read_text()
    assert "<h2>Sizes</h2>" in page and "<h2>Void</h2>" in page


def test_photos_are_never_copied_into_batches(data: Path) -> None:
    info = dataset_info.read_dataset_info(data)
    path = str(data / next(s.name for s in info.splits["train"].files if s.records))
    text = (data / "schema.pbtxt").read_text()
    light = batches.parse_schema(text)
    heavy = batches.parse_schema(text, leave_out=())
    few, all_of_it = ([*batches.read(path, schema)] for schema in (light, heavy))
    assert _JPEG not in few[0].schema.names and _JPEG in all_of_it[0].schema.names
    photos = sum(len(value[0]) for b in all_of_it for value in b[_JPEG].to_pylist())
    saved = sum(b.nbytes for b in all_of_it) - sum(b.nbytes for b in few)
    assert saved >= photos > 0


def test_parts_that_are_there_are_used_and_give_the_same_answer(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    attempt: Attempt,
) -> None:
    """A kill leaves parts; they are found again, and swept at the end."""
    stats(data, tmp_path / "whole.json", capsys)
    plan = plan_statistics(str(data), str(tmp_path / "cut.json"))
    worker = StatisticsWorker(plan)
    assert sum(c.computed for c in worker.process(range(3), attempt)) > 0
    assert sum(c.computed for c in worker.process(range(3), attempt)) == 0
    assert stats(data, tmp_path / "cut.json", capsys)[0] == 0
    whole, cut = ((tmp_path / f"{n}.json").read_bytes() for n in ("whole", "cut"))
    assert whole == cut
    assert [p for p in tmp_path.iterdir() if p.is_dir()] == []


def test_ratings_are_told_with_their_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, photos = tiny_ava.package(tmp_path / "ava", count=12, test=3)
    out = tmp_path / "records"
    flags: dict[str, Any] = {"input": table, "images": photos}
    assert convert_runs.convert("ava", out, **flags) == 0
    code, answer, said = stats(out, tmp_path / "s.json", capsys)
    assert (code, said) == (0, "")
    found = [
        record
        for split in answer["splits"]
        for record in convert_runs.records(AestheticsRecord, out, split).values()
    ]
    figures = answer["total"]["ratings"]
    assert figures["images"] == len(found) > 0
    mean = np.mean([record.mean for record in found])
    assert figures["mean"]["mean"] == pytest.approx(mean, abs=1e-9)
    page = (tmp_path / "s.html").read_text()
    assert page.count('<li class="card">') == min(len(found), SAMPLES)
    assert 'class="ratings"' in page


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


def test_what_is_wrong_is_told_everywhere(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = changed(SegmentationRecord, orientation=9)
    folder = rewritten(data, tmp_path / "bad", wrong)
    code, answer, said = stats(folder, tmp_path / "s.json", capsys)
    assert (code, answer["valid"]) == (1, False)
    (finding,) = answer["findings"]
    for text in (finding["what"], finding["ids"][0]):
        assert text in said and text in (tmp_path / "s.html").read_text()
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


def test_a_photo_in_two_splits_is_a_fault_unless_allowed(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = next(iter(convert_runs.records(SegmentationRecord, data, "val").values()))
    copy = dataclasses.replace(record, source_id="a_copy").encode()

    def add(frames: list[bytes]) -> list[bytes]:
        return [*frames, copy]

    folder = rewritten(data, tmp_path / "leak", add)
    code, answer, said = stats(folder, tmp_path / "s.json", capsys)
    assert code == 1 and "a photo is in two splits" in said
    copies = answer["duplicates"]
    assert (copies["photos"], copies["across_splits"]) == (1, 1)
    ids = {row["id"] for row in copies["groups"][0]["records"]}
    assert ids == {"a_copy", record.source_id}
    allowed = rewritten(data, tmp_path / "ok", add, settings={"allow_leak": True})
    code, answer, _ = stats(allowed, tmp_path / "s.json", capsys)
    assert code == 0 and answer["duplicates"]["across_splits"] == 1


def test_a_shard_that_changed_is_not_even_read(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = rewritten(data, tmp_path / "bad", lambda frames: frames)
    info = dataset_info.read_dataset_info(folder)
    shard = next(s for s in info.splits["train"].files if s.records > 1)
    content = bytearray((folder / shard.name).read_bytes())
    content[-40] ^= 1
    (folder / shard.name).write_bytes(content)
    code, answer, said = stats(folder, tmp_path / "s.json", capsys)
    assert code == 1 and shard.name in said
    assert answer["findings"][0]["records"] == shard.records
    counted = answer["splits"]["train"]["counted"]
    assert counted == info.splits["train"].records - shard.records


def test_usage_errors_are_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = rewritten(data, tmp_path / "bad", lambda frames: frames)
    (folder / "COMPLETED").unlink()
    cases = [
        ([str(folder)], "without COMPLETED"),
        ([str(tmp_path / "nowhere")], "expected a finished data set"),
        ([str(data), "--output", str(tmp_path / "s.txt")], "ends in .json"),
        ([str(data), "--outptu", "x"], "did you mean --output"),
        ([], "arguments are required: data"),
    ]
    for words, expected in cases:
        assert main.main(["stats", *words]) == 2
        said = capsys.readouterr().err
        assert expected in said and said.count("\n") == 1
    (folder / "COMPLETED").touch()
    schema = folder / "schema.pbtxt"
    schema.write_text(schema.read_text().replace("image/width", "image/breadth"))
    assert main.main(["stats", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "image/width" in said and said.count("\n") == 1


def test_without_tfx_bsl_the_cure_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tfx_bsl"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main.main(["stats", str(data)]) == 2
    assert "pip install 'fcn[stats]'" in capsys.readouterr().err
