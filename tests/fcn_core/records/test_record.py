"""Records: what is written is what is read, by us, by TensorFlow, by DeepLab's keys."""

import dataclasses
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest

from fcn_core.records import tfrecord
from fcn_core.records.fields import RecordError
from fcn_core.records.record import SegmentationRecord, features
from fcn_core.records.schema import schema_pbtxt, tf_parse_spec

RECORD = SegmentationRecord(
    encoded=b"\xff\xd8 any bytes \x00\xff",
    format="jpeg",
    filename="2007_000033.jpg",
    source_id="2007_000033",
    sha256=hashlib.sha256(b"x").hexdigest(),
    height=37,
    width=50,
    channels=3,
    orientation=1,
    label=b"\x89PNG grey",
    classes=(1, 15, 20),
    source="voc",
)
NO_OBJECTS = dataclasses.replace(RECORD, classes=())

DEEPLAB_KEYS = {
    "image/encoded",
    "image/filename",
    "image/format",
    "image/height",
    "image/width",
    "image/channels",
    "image/segmentation/class/encoded",
    "image/segmentation/class/format",
}


@pytest.mark.parametrize("record", [RECORD, NO_OBJECTS])
def test_parse_inverts_encode(record: SegmentationRecord) -> None:
    assert SegmentationRecord.parse(record.encode()) == record


def test_bytes_are_those_of_tensorflows_own_message() -> None:
    import tensorflow as tf

    for record in (RECORD, NO_OBJECTS):
        data = record.encode()
        example = tf.train.Example.FromString(data)
        assert example.SerializeToString(deterministic=True) == data
        assert set(example.features.feature) > DEEPLAB_KEYS


def test_tensorflow_parses_every_field() -> None:
    import tensorflow as tf

    for record in (RECORD, NO_OBJECTS):
        parsed = tf.io.parse_single_example(
            record.encode(), tf_parse_spec(SegmentationRecord)
        )
        for name, feature in features(SegmentationRecord).items():
            got = parsed[feature.key].numpy()
            expected = getattr(record, name)
            if feature.kind == "text":
                expected = expected.encode()
            assert np.array_equal(got, expected), feature.key


def test_deeplabs_own_reader_parses_a_record() -> None:
    import tensorflow as tf

    # The features that DeepLab's data generator asks for, with its defaults.
    text, number = tf.io.FixedLenFeature((), tf.string, ""), tf.int64
    asked = {
        "image/encoded": text,
        "image/filename": text,
        "image/format": tf.io.FixedLenFeature((), tf.string, "jpeg"),
        "image/height": tf.io.FixedLenFeature((), number, 0),
        "image/width": tf.io.FixedLenFeature((), number, 0),
        "image/segmentation/class/encoded": text,
        "image/segmentation/class/format": tf.io.FixedLenFeature((), tf.string, "png"),
    }
    parsed = tf.io.parse_single_example(RECORD.encode(), asked)
    assert parsed["image/encoded"].numpy() == RECORD.encoded
    assert parsed["image/segmentation/class/encoded"].numpy() == RECORD.label
    assert (parsed["image/height"], parsed["image/width"]) == (37, 50)


def test_keys_are_those_deeplabs_reader_asks_for() -> None:
    keys = {feature.key for feature in features(SegmentationRecord).values()}
    assert keys > DEEPLAB_KEYS


def test_schema_says_what_the_field_table_says() -> None:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    text = schema_pbtxt(
        SegmentationRecord, narrower={"image/segmentation/class/label": {"maximum": 20}}
    )
    schema = text_format.Parse(text, schema_pb2.Schema())
    described = {feature.name: feature for feature in schema.feature}
    table = {f.key: f for f in features(SegmentationRecord).values()}
    assert described.keys() == table.keys()
    for key, feature in described.items():
        is_int = feature.type == schema_pb2.INT
        assert is_int == (table[key].kind == "int")
        assert feature.HasField("shape") != table[key].ragged
        assert feature.presence.min_fraction == 1
        if is_int and key != "image/segmentation/class/label":
            assert feature.int_domain.min == table[key].minimum
            assert feature.int_domain.max == table[key].maximum
    assert described["image/segmentation/class/label"].int_domain.max == 20
    assert list(described["image/format"].string_domain.value) == ["jpeg", "png"]
    assert described["image/encoded"].HasField("image_domain")
    label = described["image/segmentation/class/encoded"]
    assert list(label.annotation.tag) == ["void=255"]


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0},
        {"width": 70000},
        {"orientation": 9},
        {"format": "webp"},
        {"sha256": "abc"},
        {"classes": (0,)},
        {"classes": (255,)},
        {"encoded": b""},
        {"source": "elsewhere"},
    ],
)
def test_values_outside_the_domain_are_refused(change: dict[str, object]) -> None:
    record = dataclasses.replace(RECORD, **change)  # type: ignore[arg-type]
    with pytest.raises(RecordError, match="expected"):
        record.encode()


def test_records_of_another_kind_are_refused() -> None:
    example = tfrecord.example_class()()
    example.features.feature["image/encoded"].bytes_list.value.append(b"x")
    with pytest.raises(RecordError, match="missing"):
        SegmentationRecord.parse(example.SerializeToString())
    with pytest.raises(RecordError, match="not a tf"):
        SegmentationRecord.parse(b"\xff\xff\xff\xff")


def test_a_key_of_the_wrong_type_is_refused() -> None:
    example = tfrecord.example_class().FromString(RECORD.encode())
    example.features.feature["image/height"].bytes_list.value.append(b"37")
    with pytest.raises(RecordError, match="image/height holds bytes_list"):
        SegmentationRecord.parse(example.SerializeToString())
    del example.features.feature["image/height"]
    example.features.feature["image/height"].int64_list.value.extend([37, 38])
    with pytest.raises(RecordError, match="2 values"):
        SegmentationRecord.parse(example.SerializeToString())


def test_an_unknown_key_is_refused() -> None:
    example = tfrecord.example_class().FromString(RECORD.encode())
    example.features.feature["image/extra"].int64_list.value.append(1)
    with pytest.raises(RecordError, match=r"unknown \['image/extra'\]"):
        SegmentationRecord.parse(example.SerializeToString())


def frames(*records: bytes) -> bytes:
    file = io.BytesIO()
    for record in records:
        tfrecord.write_frame(file, record)
    return file.getvalue()


PAYLOADS = (b"", b"one", bytes(range(256)) * 40)


def test_frames_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "x.tfrecord"
    path.write_bytes(frames(*PAYLOADS))
    assert tuple(tfrecord.read_frames(path)) == PAYLOADS
    assert tuple(tfrecord.read_frames(io.BytesIO(frames(*PAYLOADS)))) == PAYLOADS
    assert tuple(tfrecord.read_frames(io.BytesIO())) == ()


def test_files_are_tensorflows_both_ways(tmp_path: Path) -> None:
    import tensorflow as tf

    theirs = tmp_path / "theirs.tfrecord"
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for payload in PAYLOADS:
            writer.write(payload)
    assert theirs.read_bytes() == frames(*PAYLOADS)
    dataset = tf.data.TFRecordDataset(str(theirs))
    assert tuple(dataset.as_numpy_iterator()) == PAYLOADS


def test_every_cut_and_every_flipped_byte_is_noticed() -> None:
    data = frames(b"first", b"second")
    boundary = len(frames(b"first"))
    for length in set(range(1, len(data))) - {boundary}:
        with pytest.raises(tfrecord.FrameError):
            list(tfrecord.read_frames(io.BytesIO(data[:length])))
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(tfrecord.FrameError):
            list(tfrecord.read_frames(io.BytesIO(bytes(damaged))))
