"""TFRecords with raw pixels of reference projects: read, written, converted."""

import numpy as np
import pytest

from fcn_core.datasets import raw_records
from fcn_core.datasets.pascal import drawn
from fcn_core.datasets.raw_records import RawPair, Schema
from fcn_core.records import tfrecord
from fcn_core.records.fields import RecordError
from fcn_core.records.record import SegmentationRecord

SCENE = drawn.draw_scene(3, height=19, width=26)
PAIR = RawPair(SCENE.pixels, SCENE.class_map)
SCHEMAS: tuple[Schema, ...] = ("keras-fcn", "tf-fcn")


def as_the_projects_write(schema: Schema, height: int = 19) -> bytes:
    """Writes what those projects' own code writes, with TensorFlow."""
    import tensorflow as tf

    image_key, label_key = {
        "keras-fcn": ("image", "label"),
        "tf-fcn": ("image_raw", "mask_raw"),
    }[schema]
    numbers = {"height": height, "width": 26}
    texts = {image_key: SCENE.pixels.tobytes(), label_key: SCENE.class_map.tobytes()}
    feature = {
        key: tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        for key, value in numbers.items()
    } | {
        key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for key, value in texts.items()
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_both_schemas_are_read_and_written(schema: Schema) -> None:
    data = as_the_projects_write(schema)
    pair = raw_records.parse(data)
    assert np.array_equal(pair.pixels, SCENE.pixels)
    assert np.array_equal(pair.class_map, SCENE.class_map)
    assert raw_records.encode(pair, schema=schema) == data


def test_a_pair_becomes_a_record_of_ours_and_comes_back() -> None:
    record = raw_records.to_record(PAIR, source_id="one", source="folder")
    assert SegmentationRecord.parse(record.encode()) == record
    assert (record.format, record.filename) == ("png", "one.png")
    assert set(record.classes) == set(np.unique(SCENE.class_map)) - {0, 255}
    again = raw_records.from_record(record)
    assert np.array_equal(again.pixels, PAIR.pixels)
    assert np.array_equal(again.class_map, PAIR.class_map)


def test_a_grey_photos_record_is_refused() -> None:
    grey = RawPair(SCENE.pixels[:, :, 0], SCENE.class_map)
    with pytest.raises(RecordError, match=r"image_raw has 494 bytes, expected 1482"):
        raw_records.parse(raw_records.encode(grey, schema="tf-fcn"))
    with pytest.raises(RecordError, match="expected"):
        raw_records.parse(as_the_projects_write("keras-fcn", height=18))
    with pytest.raises(RecordError, match="one size"):
        raw_records.parse(as_the_projects_write("keras-fcn", height=0))


def test_other_records_are_refused() -> None:
    with pytest.raises(RecordError, match="not a tf"):
        raw_records.parse(b"\xff\xff\xff\xff")
    example = tfrecord.example_class()()
    example.features.feature["image"].bytes_list.value.append(b"x")
    with pytest.raises(RecordError, match=r"keys are \['image'\]"):
        raw_records.parse(example.SerializeToString())
