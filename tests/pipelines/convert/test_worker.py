"""`fcn convert voc`: the same records as by hand, whatever happens on the way."""

import hashlib
import io
import json
import os
import random
import resource
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
from fcn_core.labels import VOC_CLASSES
from fcn_core.records import tfrecord
from fcn_core.records.dataset_info import DatasetError, read_dataset_info
from fcn_core.records.record import SegmentationRecord
from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.cli import main
from pipelines.convert import entries
from pipelines.convert import worker as convert_worker
from pipelines.convert.config import ConvertVocConfig
from pipelines.convert.drafts.draft import drafted
from pipelines.convert.drafts.pascal import draft_voc
from pipelines.convert.plan import plan_conversion, read_plan
from pipelines.faults import SystemicFault
from pipelines.lanes.messages import Answer
from tests.drawn import tiny_data
from tests.drawn.tiny_data import read

TRAIN, VAL = 9, 4


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tiny_data.voc_tree(tmp_path / "VOC2012", train=TRAIN, val=VAL)


def run(tree: Path, out: Path, *flags: str) -> int:
    words = ["convert", "voc", "--input", str(tree), "--output", str(out), "--json"]
    return main.main([*words, "--lanes", "1", *flags])


def contents(folder: Path) -> dict[str, bytes]:
    """Returns every file below a folder, hidden and temporary ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def planned(
    tree: Path, out: Path, *, num_shards: int | None = None
) -> convert_worker.ConvertWorker:
    config = ConvertVocConfig(input=str(tree), output=str(out))
    draft = drafted(draft_voc, config)
    conversion = plan_conversion(
        draft, str(out), num_shards=num_shards, allow_leak=False
    )
    assert conversion is not None
    worker = convert_worker.job(conversion, lanes=1, max_error_rate=1).worker
    assert isinstance(worker, convert_worker.ConvertWorker)
    return worker


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


def test_the_folder_describes_itself(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(tree, out) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "COMPLETED",
        "dataset_info.json",
        "label_map.json",
        "rejected.parquet",
        "schema.pbtxt",
        "train-00000-of-00001.tfrecord",
        "val-00000-of-00001.tfrecord",
        "warnings.parquet",
    ]
    info = read_dataset_info(out)
    assert (info.dataset, info.task, info.void) == ("voc", "segmentation", 255)
    assert info.classes == list(VOC_CLASSES)
    assert info.splits["train"].published == 1464
    label_map = json.loads((out / "label_map.json").read_text())
    assert label_map["classes"]["15"] == "person" and label_map["void"] == 255
    assert 'name: "image/segmentation/class/encoded"' in (
        out / "schema.pbtxt"
    ).read_text(encoding="utf-8")
    table = pq.read_table(out / "rejected.parquet")
    assert table.schema.names[:5] == ["id", "path", "stage", "reason", "detail"]
    assert table.num_rows == 0


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
    assert contents(one) == contents(two)


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


def test_again_with_the_same_settings_nothing_is_done(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(tree, out) == 0
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    (tree / voc.image_path("2007_000000")).unlink()  # nobody looks any more
    words = ["convert", "voc", "--input", str(tree), "--output", str(out)]
    assert main.main(words) == 0
    assert "already complete" in capsys.readouterr().out
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--num_shards", "2"), "--num_shards"),
        (("--split", "train"), "--split"),
    ],
)
def test_again_with_other_settings_the_difference_is_named(
    tree: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
    named: str,
) -> None:
    out = tmp_path / "out"
    assert run(tree, out) == 0
    before = contents(out)
    capsys.readouterr()
    assert run(tree, out, *flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line and "got" in line and "expected" in line
    assert contents(out) == before


def test_other_input_is_other_settings(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(tree, out) == 0
    other = tiny_data.voc_tree(tmp_path / "other", train=TRAIN, val=VAL)
    assert run(other, out) == 2
    assert "--input: got" in capsys.readouterr().err
    drawn.write_list(tree, "val", ["2007_000010"])
    assert run(tree, out) == 2
    assert "lists" in capsys.readouterr().err


def test_an_unfinished_output_knows_its_settings(
    tree: Path, tmp_path: Path, attempt: Attempt
) -> None:
    out = tmp_path / "out"
    worker = planned(tree, out, num_shards=3)
    assert sum(counts.ok for counts in worker.process(range(2), attempt)) > 0
    with pytest.raises(DatasetError, match="goes on where it stopped"):
        read_dataset_info(out)
    assert run(tree, out, "--num_shards", "4") == 2
    assert run(tree, out, "--num_shards", "3") == 0


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
    before = contents(out)
    tiny_data.damage(tree, "2007_000002", "label-value")
    shard = entries.read(worker.conversion.entries().chunk(0))
    zombie = convert_worker.OpenShard(worker.conversion, 0, shard.entries)
    for index, entry in enumerate(zombie.entries):
        zombie.request(index)
        zombie.take(index, Answer({"rejected": {**REJECTED, "id": entry.id}}))
    late = zombie.commit()
    assert (late.ok, late.failed) == (counts.ok, counts.failed) == (TRAIN, 0)
    assert contents(out) == before


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
    assert contents(killed) == contents(undisturbed)


def test_a_kill_while_finishing_costs_nothing(
    tree: Path, tmp_path: Path, attempt: Attempt
) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert run(tree, undisturbed) == 0
    worker = planned(tree, killed)
    list(worker.process(range(worker.conversion.plan.chunks), attempt))
    (staged,) = (killed / "_convert" / "shards").glob("shard-00000-*")
    staged.rename(killed / "train-00000-of-00001.tfrecord")
    assert run(tree, killed) == 0
    assert contents(killed) == contents(undisturbed)
    (killed / "_convert").mkdir()  # the last step did not happen
    assert run(tree, killed) == 0
    assert contents(killed) == contents(undisturbed)
    assert not (killed / "_convert").exists()


def test_a_staged_shard_that_is_lost_is_a_fault(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], attempt: Attempt
) -> None:
    out = tmp_path / "out"
    worker = planned(tree, out)
    list(worker.process(range(worker.conversion.plan.chunks), attempt))
    for staged in (out / "_convert" / "shards").iterdir():
        staged.unlink()
    assert run(tree, out) == 1
    assert "neither there nor staged" in capsys.readouterr().err
    assert not (out / "COMPLETED").exists()


def test_too_many_rejections_complete_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tiny_data.voc_tree(tmp_path / "VOC2012", train=3, val=2)
    for number in (3, 4):
        tiny_data.damage(tree, f"2007_{number:06d}", "all-void")
    out = tmp_path / "out"
    assert run(tree, out) == 3
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("fcn")]
    assert "split val" in line and "--max_error_rate" in line
    assert not list(out.glob("*.tfrecord")) and not (out / "COMPLETED").exists()
    reasons = pq.read_table(out / "rejected.parquet")["reason"].to_pylist()
    assert reasons == ["all-void", "all-void"]
    assert run(tree, out, "--max_error_rate", "1") == 0
    assert read_dataset_info(out).splits["val"].records == 0


def test_splits_that_share_photos_are_refused(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn.write_list(tree, "val", ["2007_000001", "2007_000010"])
    out = tmp_path / "out"
    assert run(tree, out) == 2
    assert "train and val share 1 ids (2007_000001)" in capsys.readouterr().err
    assert run(tree, out, "--split", "train", "trainval") == 2
    assert not out.exists()
    assert run(tree, out, "--allow_leak") == 0
    splits = read_dataset_info(out).splits
    assert (splits["train"].records, splits["val"].records) == (TRAIN, 2)


def test_trainval_holds_both(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(tree, out, "--split", "trainval") == 0
    info = read_dataset_info(out)
    assert info.splits["trainval"].records == TRAIN + VAL
    with pytest.raises(DatasetError, match="expected one of"):
        info.shard_paths(out, "train")


def test_more_shards_than_ids(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(tree, out, "--split", "val", "--num_shards", "20") == 0
    split = read_dataset_info(out).splits["val"]
    assert (split.shards, split.records) == (20, VAL)
    assert len(list(out.glob("val-*-of-00020.tfrecord"))) == 20


FROM_TREE = ["convert", "voc", "--input", "{tree}", "--output", "x"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["convert"], "expected voc, sbd, ava, folder"),
        (["convert", "sbdd"], "got sbdd"),
        (["convert", "voc", "--output", "x"], "--input is missing"),
        (["convert", "voc", "--input", "nowhere", "--output", "x"], "VOCtrainval"),
        (["convert", "voc", "--input", "{empty}", "--output", "x"], "is empty"),
        ([*FROM_TREE, "--split", "test"], "test.txt"),
        ([*FROM_TREE, "--split", "../a"], "expected names of lists"),
        ([*FROM_TREE, "--num_shards", "0"], "--num_shards"),
        ([*FROM_TREE, "--nmu_shards", "2"], "--num_shards"),
        ([*FROM_TREE[:-1], "{strange}"], "another program's records"),
    ],
)
def test_usage_errors_are_one_line(
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    strange, empty = tmp_path / "strange", tmp_path / "empty"
    strange.mkdir()
    (strange / "train-00000-of-00004.tfrecord").touch()
    drawn.write_list(empty, "train", [], final_newline=False)
    monkeypatch.chdir(tmp_path)
    folders = {"tree": tree, "strange": strange, "empty": empty}
    assert main.main([word.format(**folders) for word in words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_an_output_that_cannot_be_written_is_one_line(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run(tree, tmp_path / "file" / "out") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "can be written" in line


def test_a_full_plan_survives_its_own_folder_only(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    worker = planned(tree, out)
    plan = out / "_convert" / "plan.json"
    folder = worker.conversion.folder
    assert read_plan(folder) == worker.conversion.plan
    plan.write_text(plan.read_text().replace('"planned": 13', '"planned": 12'))
    with pytest.raises(SystemicFault, match="damaged plan"):
        read_plan(folder)


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
    assert contents(one) == contents(two)
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


def test_a_full_disk_is_one_line_and_no_loss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tiny_data.voc_tree(tmp_path / "VOC2012", train=12, val=4)
    whole, full = tmp_path / "whole", tmp_path / "full"
    assert run(tree, whole) == 0
    largest = max(path.stat().st_size for path in whole.glob("train-*.tfrecord"))
    capsys.readouterr()
    # No file may grow beyond this: what a full disk does, without filling one.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1000, before[1]))
    try:
        assert run(tree, full) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = capsys.readouterr().err
    (line,) = [x for x in said.splitlines() if x.startswith("fcn")]
    assert "file too large" in line and "run the same command again" in line
    assert "Traceback" not in said
    assert not (full / "COMPLETED").exists() and not list(full.glob("*.tfrecord"))
    assert run(tree, full) == 0
    assert contents(full) == contents(whole)
