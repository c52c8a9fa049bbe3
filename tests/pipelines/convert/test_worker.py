"""`fcn convert voc`: the records of a plain loop, however the work is cut."""

import hashlib
import io
import os
import random
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
from pipelines.cli import main
from tests.drawn import tiny_data
from tests.drawn.tiny_data import read
from tests.runs.convert_runs import TRAIN, VAL, convert_voc
from tests.runs.trees import everything


def test_the_records_are_those_of_a_plain_loop(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert convert_voc(tree, out, "--num_shards", "3") == 0
    info = read_dataset_info(out)
    assert {name: split.records for name, split in info.splits.items()} == {
        "train": TRAIN,
        "val": VAL,
    }
    for split, count in (("train", TRAIN), ("val", VAL)):
        expected = {
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
            assert examples == [expected[source_id] for source_id in ids]
            shard = info.splits[split].files[number]
            assert shard.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
            assert (shard.bytes, shard.records) == (path.stat().st_size, len(ids))
            found += ids
        assert len(shards) > 1
        assert sorted(found) == sorted(expected) and len(found) == count


def test_bytes_depend_on_neither_workers_nor_the_lists_order(
    tree: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    tiny_data.damage(tree, "2007_000003", "label-rgb")
    tiny_data.damage(tree, "2007_000005", "missing-image")
    assert convert_voc(tree, one, "--num_shards", "3") == 0
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
    assert convert_voc(tree, out) == 0
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


def test_a_file_that_is_no_file_is_a_row(tree: Path, tmp_path: Path) -> None:
    fifo = tree / voc.label_path("2007_000000")
    fifo.unlink()
    os.mkfifo(fifo)
    photo = tree / voc.image_path("2007_000001")
    photo.unlink()
    photo.mkdir()
    out = tmp_path / "out"
    assert convert_voc(tree, out) == 0
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
