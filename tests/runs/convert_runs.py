"""What tests of `fcn convert` share: run it, and look at what it wrote."""

from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq
from google.protobuf import text_format

from fcn_core.records import tfrecord
from fcn_core.records.dataset_info import read_dataset_info
from fcn_core.records.record import ImageRecord
from pipelines.cli import main
from pipelines.convert import worker
from pipelines.convert.config import ConvertVocConfig
from pipelines.convert.drafts.draft import make_draft
from pipelines.convert.drafts.pascal import draft_voc
from pipelines.convert.plan import plan_conversion
from pipelines.convert.worker import ConvertWorker

TRAIN, VAL = 9, 4
"""Photos in the splits of the drawn VOC of these tests."""

Record = TypeVar("Record", bound=ImageRecord)


def convert(kind: str, out: Path, *flags: str, lanes: int = 1, **named: Any) -> int:
    """Runs `fcn convert KIND`; `named` become flags."""
    words = [word for name, value in named.items() for word in (f"--{name}", value)]
    return main.main(
        [
            *("convert", kind, "--output", str(out), "--json"),
            *("--lanes", str(lanes), *map(str, words), *flags),
        ]
    )


def convert_voc(tree: Path, out: Path, *flags: str) -> int:
    return convert("voc", out, *flags, input=tree)


def planned(tree: Path, out: Path, *, num_shards: int | None = None) -> ConvertWorker:
    """Plans a conversion; returns the worker that does it."""
    draft = make_draft(draft_voc, ConvertVocConfig(input=str(tree), output=str(out)))
    options: dict[str, Any] = {"num_shards": num_shards, "allow_leak": False}
    conversion = plan_conversion(draft, str(out), **options)
    assert conversion is not None
    made = worker.job(conversion, lanes=1, max_error_rate=1).worker
    assert isinstance(made, ConvertWorker)
    return made


def records(record_type: type[Record], out: Path, split: str) -> dict[str, Record]:
    """Returns the records of a split by id, each parsed strictly."""
    found = [
        record_type.parse(data)
        for path in read_dataset_info(out).shard_paths(out, split)
        for data in tfrecord.read_frames(path)
    ]
    assert len({record.source_id for record in found}) == len(found)
    return {record.source_id: record for record in found}


def rejected(out: Path, name: str = "rejected") -> dict[str, str]:
    """Returns id -> reason of what is no record (or of the warnings)."""
    rows = pq.read_table(out / f"{name}.parquet").to_pylist()
    return {row["id"]: row["reason"] for row in rows}


def check_schema(out: Path) -> int:
    """Checks every record against `schema.pbtxt`; returns how many there are."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    schema = text_format.Parse((out / "schema.pbtxt").read_text(), schema_pb2.Schema())
    described = {feature.name: feature for feature in schema.feature}
    info = read_dataset_info(out)
    checked = 0
    for split in info.splits:
        for path in info.shard_paths(out, split):
            for data in tfrecord.read_frames(path):
                written = tfrecord.example_class().FromString(data).features.feature
                assert set(written) == set(described)
                for key, value in written.items():
                    _check(described[key], value)
                checked += 1
    return checked


def _check(feature: Any, value: Any) -> None:
    kind = {1: "bytes_list", 2: "int64_list", 3: "float_list"}[feature.type]
    assert value.WhichOneof("kind") == kind, feature.name
    items = list(getattr(value, kind).value)
    if feature.HasField("shape"):
        size = 1
        for dim in feature.shape.dim:
            size *= dim.size
        assert len(items) == size, feature.name
    elif feature.value_count.max:
        low, high = feature.value_count.min, feature.value_count.max
        assert low <= len(items) <= high, feature.name
    if feature.type != 1:
        domain = feature.int_domain if feature.type == 2 else feature.float_domain
        numbers = [item for item in items if item == item]  # NaN is not known
        if domain.HasField("min"):
            assert all(domain.min <= number for number in numbers), feature.name
        if domain.HasField("max"):
            assert all(number <= domain.max for number in numbers), feature.name
    if feature.string_domain.value:
        assert {item.decode() for item in items} <= set(feature.string_domain.value)
