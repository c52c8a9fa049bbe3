"""Aesthetics records: votes or a mean, there and back, and what TensorFlow sees."""

import dataclasses
import math

import numpy as np
import pytest
from google.protobuf import text_format

from fcn_core.records.fields import RecordError
from fcn_core.records.record import AestheticsRecord, features
from fcn_core.records.schema import schema_pbtxt, tf_parse_spec

RECORD = AestheticsRecord(
    encoded=b"\xff\xd8 any bytes",
    format="jpeg",
    filename="953619.jpg",
    source_id="953619",
    sha256="a" * 64,
    height=40,
    width=50,
    channels=3,
    orientation=6,
    votes=(0, 1, 5, 17, 38, 36, 15, 6, 5, 1),
    vote_count=124,
    mean=float(np.float32(5.637)),
    std=float(np.float32(1.5)),
    label=1,
    tags=(1, 22),
    challenge=1396,
    styles=(3,),
)
ONLY_A_MEAN = dataclasses.replace(
    RECORD, votes=(), vote_count=0, std=0.25, label=-1, tags=(), challenge=0, styles=()
)
OF_AVA = {"image/aesthetics/votes": {"lengths": (10,)}}


@pytest.mark.parametrize("record", [RECORD, ONLY_A_MEAN])
def test_parse_inverts_encode(record: AestheticsRecord) -> None:
    assert AestheticsRecord.parse(record.encode()) == record


def test_an_unknown_deviation_stays_unknown() -> None:
    record = dataclasses.replace(ONLY_A_MEAN, std=math.nan)
    assert math.isnan(AestheticsRecord.parse(record.encode()).std)


def test_tensorflow_parses_every_field() -> None:
    import tensorflow as tf

    for record, narrower in ((RECORD, OF_AVA), (RECORD, None), (ONLY_A_MEAN, None)):
        data = record.encode()
        example = tf.train.Example.FromString(data)
        assert example.SerializeToString(deterministic=True) == data
        spec = tf_parse_spec(AestheticsRecord, narrower=narrower)
        parsed = tf.io.parse_single_example(data, spec)
        for name, feature in features(AestheticsRecord).items():
            expected = getattr(record, name)
            if feature.kind == "text":
                expected = expected.encode()
            assert np.array_equal(parsed[feature.key].numpy(), expected), feature.key


def test_schema_narrows_to_the_data_set() -> None:
    from tensorflow_metadata.proto.v0 import schema_pb2

    wide, ava = (
        {
            feature.name.removeprefix("image/aesthetics/"): feature
            for feature in text_format.Parse(
                schema_pbtxt(AestheticsRecord, narrower=narrower), schema_pb2.Schema()
            ).feature
        }
        for narrower in (None, OF_AVA)
    )
    assert [dim.size for dim in ava["votes"].shape.dim] == [10]
    assert (wide["votes"].value_count.min, wide["votes"].value_count.max) == (0, 10)
    assert (wide["tags"].value_count.min, wide["tags"].value_count.max) == (0, 2)
    assert wide["mean"].type == schema_pb2.FLOAT
    assert (wide["mean"].float_domain.min, wide["mean"].float_domain.max) == (1, 10)
    assert (wide["label"].int_domain.min, wide["label"].int_domain.max) == (-1, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"votes": (1, -1)},
        {"votes": (1,)},
        {"votes": (1,) * 11},
        {"mean": 0.5},
        {"mean": 10.5},
        {"mean": math.nan},
        {"std": -1.0},
        {"label": 2},
        {"tags": (0,)},
        {"tags": (1, 2, 3)},
        {"styles": (0,)},
    ],
)
def test_values_outside_the_domain_are_refused(change: dict[str, object]) -> None:
    record = dataclasses.replace(RECORD, **change)  # type: ignore[arg-type]
    with pytest.raises(RecordError, match="expected"):
        record.encode()
