"""`fcn convert voc`: the same records as by hand, whatever happens on the way."""

import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fcn_core.datasets.pascal import drawn, voc
from fcn_core.records import tfrecord
from fcn_core.records.dataset_info import read_dataset_info
from fcn_core.records.record import SegmentationRecord
from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.cli import main
from pipelines.convert import entries
from pipelines.convert import worker as convert_worker
from pipelines.faults import SystemicFault
from pipelines.lanes.messages import Answer
from tests.drawn import tiny_data
from tests.drawn.tiny_data import read
from tests.runs.trees import everything
from tests.runs.voc_runs import TRAIN, VAL, planned, run


def test_the_records_are_those_made_by_hand(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(tree, out, "--num_shards", "3") == 0
    info = read_dataset_info(out)
    assert {name: split.records for name, split in info.splits.items()} == {
        "train": TRAIN,
        "val": VAL,
    }
    for split, count in (("train", TRAIN), ("val", VAL)):
        by_hand = {
            source_id: tiny_data.load_pair(tree, source_id).encode()
            for source_id in voc.split_ids(str(tree), split, read).ids
        }
        found = []
        shards = info.shard_paths(out, split)
        for number, path in enumerate(shards):
            assert path.name == f"{split}-{number:05}-of-00003.tfrecord"
            examples = list(tfrecord.read_frames(path))
            ids = [SegmentationRecord.parse(e).source_id for e in examples]
            assert ids == sorted(ids)
            assert examples == [by_hand[source_id] for source_id in ids]
            shard = info.splits[split].files[number]
            assert shard.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
            assert (shard.bytes, shard.records) == (path.stat().st_size, len(ids))
            found += ids
        assert len(shards) > 1
        assert sorted(found) == sorted(by_hand) and len(found) == count


def test_every_record_satisfies_the_schema(tree: Path, tmp_path: Path) -> None:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    out = tmp_path / "out"
    assert run(tree, out) == 0
    schema = text_format.Parse((out / "schema.pbtxt").read_text(), schema_pb2.Schema())
    described = {feature.name: feature for feature in schema.feature}
    for path in read_dataset_info(out).shard_paths(out, "train"):
        for data in tfrecord.read_frames(path):
            written = tfrecord.example_class().FromString(data).features.feature
            assert set(written) == set(described)
            for key, value in written.items():
                domain = described[key].int_domain
                for number in value.int64_list.value:
                    assert domain.min <= number <= domain.max, key
                allowed = described[key].string_domain.value
                for text in value.bytes_list.value if allowed else ():
                    assert text.decode() in allowed, key
                if described[key].HasField("shape"):
                    size = len(value.int64_list.value) + len(value.bytes_list.value)
                    assert size == 1, key


def test_bytes_depend_on_neither_workers_nor_the_lists_order(
    tree: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    tiny_data.damage(tree, "2007_000003", "label-rgb")
    tiny_data.damage(tree, "2007_000005", "missing-image")
    assert run(tree, one, "--num_shards", "3") == 0
    ids = list(voc.split_ids(str(tree), "train", read).ids)
    random.Random(5).shuffle(ids)
    drawn.write_list(tree, "train", ids, final_newline=False)
    words = ["convert", "voc", "--input", str(tree), "--output", str(two), "--json"]
    flags = ["--lanes", "2", "--num_shards", "3", "--split", "val", "train"]
    assert main.main([*words, *flags]) == 0
    assert everything(one) == everything(two)


def test_every_bad_pair_is_a_row_and_every_good_one_a_record(tmp_path: Path) -> None:
    bad = len(tiny_data.DAMAGES)
    tree = tiny_data.voc_tree(tmp_path / "VOC2012", train=bad + 3, val=1)
    expected = {}
    for number, reason in enumerate(tiny_data.DAMAGES):
        tiny_data.damage(tree, f"2007_{number:06d}", reason)
        expected[f"2007_{number:06d}"] = reason
    with (tree / voc.list_path("train")).open("ab") as file:
        file.write(b"2007_000001\nno id\n\xff\xfe\n")
    out = tmp_path / "out"
    assert run(tree, out) == 0
    split = read_dataset_info(out).splits["train"]
    assert split.read == bad + 3 + 3
    assert (split.records, split.rejected) == (3, bad + 3)
    rows = pq.read_table(out / "rejected.parquet").to_pylist()
    listed = [row["reason"] for row in rows if row["stage"] == "list"]
    assert listed == ["duplicate-id", "bad-list-line", "bad-list-line"]
    others = {row["id"]: row["reason"] for row in rows if row["stage"] != "list"}
    assert others == expected
    for row in rows:
        assert (row["split"], row["path"].startswith("/")) == ("train", False)
        assert str(tmp_path) not in row["detail"] and len(row["detail"]) <= 200
    records = [
        SegmentationRecord.parse(data).source_id
        for path in read_dataset_info(out).shard_paths(out, "train")
        for data in tfrecord.read_frames(path)
    ]
    assert records == [f"2007_{number:06d}" for number in range(bad, bad + 3)]


def test_committed_shards_are_not_made_again(
    tree: Path, tmp_path: Path, attempt: Attempt
) -> None:
    worker = planned(tree, tmp_path / "out", num_shards=3)
    first = list(worker.process(range(2), attempt))
    assert [counts.computed for counts in first] != [0, 0]
    again = list(worker.process(range(worker.conversion.plan.chunks), attempt))
    assert [counts.computed for counts in again[:2]] == [0, 0]
    assert sum(counts.ok for counts in again) == TRAIN + VAL
    made = sum(counts.computed for counts in (*first, *again))
    assert made == TRAIN + VAL


def test_a_late_second_attempt_changes_nothing(
    tree: Path, tmp_path: Path, attempt: Attempt
) -> None:
    out = tmp_path / "out"
    worker = planned(tree, out, num_shards=1)
    (counts,) = worker.process(range(1), attempt)
    before = everything(out)
    tiny_data.damage(tree, "2007_000002", "label-value")
    shard = entries.read(worker.conversion.entries().chunk(0))
    zombie = convert_worker.OpenShard(worker.conversion, 0, shard.entries)
    for index, entry in enumerate(zombie.entries):
        zombie.request(index)
        zombie.take(index, Answer({"rejected": {**REJECTED, "id": entry.id}}))
    late = zombie.commit()
    assert (late.ok, late.failed) == (counts.ok, counts.failed) == (TRAIN, 0)
    assert everything(out) == before


REJECTED = {"path": "x", "stage": "label", "reason": "label-value", "detail": ""}


def test_a_damaged_part_is_a_fault_with_its_name(
    tree: Path, tmp_path: Path, attempt: Attempt
) -> None:
    out = tmp_path / "out"
    worker = planned(tree, out, num_shards=2)
    list(worker.process(range(1), attempt))
    part = out / "_convert" / "parts" / "chunk-00000000.parquet"
    data = part.read_bytes()
    part.write_bytes(data[:-5])
    with pytest.raises(
        SystemicFault, match=r"chunk-00000000\.parquet: got a file that"
    ):
        list(worker.process(range(1), attempt))
    part.unlink()
    others = replace(worker.conversion.parts, plan_id="0" * 64)
    assert others.create(0, [], counts=Counts(), footer={})
    with pytest.raises(SystemicFault, match="another plan"):
        list(worker.process(range(1), attempt))


def test_kill_9_and_the_same_command_give_the_same_bytes(tmp_path: Path) -> None:
    tree = tiny_data.voc_tree(tmp_path / "VOC2012", train=60, val=10)
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    flags = ("--num_shards", "12")
    assert run(tree, undisturbed, *flags) == 0
    words = ["convert", "voc", "--input", str(tree), "--output", str(killed)]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", *words, "--lanes", "1", *flags],
        stderr=subprocess.PIPE,
    )
    parts = killed / "_convert" / "parts"
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if len(list(parts.glob("*.parquet"))) >= 3:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.001)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "too fast to be killed"
    done = {path.name: path.stat().st_mtime_ns for path in parts.glob("*.parquet")}
    assert 3 <= len(done) < 24 and not (killed / "COMPLETED").exists()
    assert run(tree, killed, *flags) == 0
    assert everything(killed) == everything(undisturbed)


def test_a_file_that_is_no_file_is_a_row(tree: Path, tmp_path: Path) -> None:
    fifo = tree / voc.label_path("2007_000000")
    fifo.unlink()
    os.mkfifo(fifo)
    photo = tree / voc.image_path("2007_000001")
    photo.unlink()
    photo.mkdir()
    out = tmp_path / "out"
    assert run(tree, out) == 0
    rows = pq.read_table(out / "rejected.parquet").to_pylist()
    assert [(row["id"], row["reason"]) for row in rows] == [
        ("2007_000000", "not-a-regular-file"),
        ("2007_000001", "not-a-regular-file"),
    ]


@pytest.mark.skipif(
    "FCN_VOC_ROOT" not in os.environ,
    reason="FCN_VOC_ROOT (VOCdevkit/VOC2012) is not set",
)
def test_real_voc_keeps_every_photo_and_every_index(tmp_path: Path) -> None:
    root = Path(os.environ["FCN_VOC_ROOT"])
    one, two = tmp_path / "one", tmp_path / "two"
    for out, count in ((one, "1"), (two, "2")):
        words = ["convert", "voc", "--input", str(root), "--output", str(out)]
        assert main.main([*words, "--json", "--lanes", count]) == 0
    assert everything(one) == everything(two)
    info = read_dataset_info(one)
    assert info.rejected == {}
    seen = 0
    for split in info.splits:
        for path in info.shard_paths(one, split):
            for data in tfrecord.read_frames(path):
                record = SegmentationRecord.parse(data)
                photo = root / voc.image_path(record.source_id)
                assert record.encoded == photo.read_bytes()
                label = Image.open(root / voc.label_path(record.source_id))
                grey = Image.open(io.BytesIO(record.label))
                assert (grey.mode, label.mode) == ("L", "P")
                assert np.array_equal(np.asarray(grey), np.asarray(label))
                seen += 1
    assert seen == sum(split.read for split in info.splits.values())
    assert files.exists(str(one / "COMPLETED"))
