"""A data set is described, complete or refused, whatever cuts its end short."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fcn_core.labels import VOC_CLASSES
from fcn_core.records import tfrecord
from fcn_core.records.dataset_info import read_dataset_info
from pipelines.chunks.attempt import Attempt
from tests.drawn import tiny_data
from tests.runs.convert_runs import convert_voc, planned
from tests.runs.trees import everything


def test_the_folder_describes_itself(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert convert_voc(tree, out) == 0
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
    assert convert_voc(tree, out) == 0
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


def test_a_kill_while_finishing_costs_nothing(
    tree: Path, tmp_path: Path, attempt: Attempt
) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert convert_voc(tree, undisturbed) == 0
    worker = planned(tree, killed)
    list(worker.process(range(worker.conversion.plan.chunks), attempt))
    (staged,) = (killed / "_convert" / "shards").glob("shard-00000-*")
    staged.rename(killed / "train-00000-of-00001.tfrecord")
    assert convert_voc(tree, killed) == 0
    assert everything(killed) == everything(undisturbed)
    (killed / "_convert").mkdir()  # the last step did not happen
    assert convert_voc(tree, killed) == 0
    assert everything(killed) == everything(undisturbed)
    assert not (killed / "_convert").exists()


def test_a_staged_shard_that_is_lost_is_a_fault(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], attempt: Attempt
) -> None:
    out = tmp_path / "out"
    worker = planned(tree, out)
    list(worker.process(range(worker.conversion.plan.chunks), attempt))
    for staged in (out / "_convert" / "shards").iterdir():
        staged.unlink()
    assert convert_voc(tree, out) == 1
    assert "neither there nor staged" in capsys.readouterr().err
    assert not (out / "COMPLETED").exists()


def test_too_many_rejections_complete_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tiny_data.voc_tree(tmp_path / "VOC2012", train=3, val=2)
    for number in (3, 4):
        tiny_data.damage(tree, f"2007_{number:06d}", "all-void")
    out = tmp_path / "out"
    assert convert_voc(tree, out) == 3
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("fcn")]
    assert "split val" in line and "--max_error_rate" in line
    assert not list(out.glob("*.tfrecord")) and not (out / "COMPLETED").exists()
    reasons = pq.read_table(out / "rejected.parquet")["reason"].to_pylist()
    assert reasons == ["all-void", "all-void"]
    assert convert_voc(tree, out, "--max_error_rate", "1") == 0
    assert read_dataset_info(out).splits["val"].records == 0
