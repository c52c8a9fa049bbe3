"""TFRecord files and the tf.Example message, without TensorFlow.

A worker that only converts or reads records must not pay for importing it. The
framing is TensorFlow's (tensorflow/core/lib/io/record_writer.h): little-endian length,
masked CRC32C of the length, the bytes, masked CRC32C of the bytes.
"""

import functools
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_HEADER: Final = struct.Struct("<QI")
_CRC: Final = struct.Struct("<I")
_MAX_FRAME_BYTES: Final = (1 << 31) - 1
"""A protobuf message cannot be longer; a longer length is damage."""


class FrameError(Exception):
    """A TFRecord file is cut short or damaged."""


def write_frame(file: BinaryIO, data: bytes) -> None:
    """Appends one record to an open binary file."""
    file.writelines(frame(data))


def frame(*parts: bytes) -> list[bytes]:
    """Returns what stands in a file for one record, in pieces that are not copied.

    Args:
        parts: the record, in one piece or several.
    """
    length = struct.pack("<Q", sum(map(len, parts)))
    crc = 0
    for part in parts:
        crc = google_crc32c.extend(crc, part)
    header = length + _CRC.pack(_masked_crc(length))
    return [header, *parts, _CRC.pack(_masked(crc))]


def read_frames(source: str | Path | BinaryIO) -> Iterator[bytes]:
    """Yields the records of a TFRecord file, each with its checksums verified.

    Args:
        source: a local path, or a binary file open at a record's start.

    Raises:
        FrameError: the file ends inside a record or a checksum does not match.
    """
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            yield from _frames(file, str(source))
    else:
        yield from _frames(source, "the file")


def _frames(file: BinaryIO, name: str) -> Iterator[bytes]:
    number = 0
    while header := file.read(_HEADER.size):
        what = f"record {number} of {name}"
        if len(header) < _HEADER.size:
            raise FrameError(f"{what} ends inside its header; write the file again")
        length, length_crc = _HEADER.unpack(header)
        if length_crc != _masked_crc(header[:8]) or length > _MAX_FRAME_BYTES:
            raise FrameError(
                f"the length of {what} is damaged, or this is no TFRecord file"
            )
        body = file.read(length + _CRC.size)
        if len(body) < length + _CRC.size:
            raise FrameError(
                f"{what} has {len(body)} bytes, expected {length + _CRC.size}; "
                "write the file again"
            )
        data = body[:length]
        if _CRC.unpack(body[length:])[0] != _masked_crc(data):
            raise FrameError(f"the bytes of {what} do not match their checksum")
        yield data
        number += 1


def frame_offsets(path: Path, *, start: int = 0) -> Iterator[int]:
    """Yields where each record of a TFRecord file begins, without reading the records.

    It ends early, and says nothing, where a length is damaged: what lies behind it
    cannot be found. Whoever knows how many records there should be can tell.

    Args:
        path: a local file.
        start: where a record begins.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        while start < size:
            file.seek(start)
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                return
            length, length_crc = _HEADER.unpack(header)
            if length_crc != _masked_crc(header[:8]):
                return
            yield start
            start += _HEADER.size + length + _CRC.size


def _masked_crc(data: bytes) -> int:
    return _masked(google_crc32c.value(data))


def _masked(crc: int) -> int:
    # Masked because a CRC over bytes that hold their own CRC would be degenerate.
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@functools.cache
def example_class() -> Any:
    """Returns the message class tensorflow.Example, declared without TensorFlow.

    Field numbers and types are those of feature.proto and example.proto in
    tensorflow/core/example. The pool is private: TensorFlow registers the same
    names in the default one.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="fcn_core/example.proto", package="tensorflow", syntax="proto3"
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, kind in (
        ("BytesList", kinds.TYPE_BYTES),
        ("FloatList", kinds.TYPE_FLOAT),
        ("Int64List", kinds.TYPE_INT64),
    ):
        file.message_type.add(name=name).field.add(
            name="value", number=1, type=kind, label=kinds.LABEL_REPEATED
        )
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(("bytes_list", "float_list", "int64_list"), start=1):
        feature.field.add(
            name=name,
            number=number,
            type=kinds.TYPE_MESSAGE,
            type_name=f".tensorflow.{name.title().replace('_', '')}",
            label=kinds.LABEL_OPTIONAL,
            oneof_index=0,
        )
    _declare_feature_map(file)
    file.message_type.add(name="Example").field.add(
        name="features",
        number=1,
        type=kinds.TYPE_MESSAGE,
        type_name=".tensorflow.Features",
        label=kinds.LABEL_OPTIONAL,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("tensorflow.Example")
    )


def _declare_feature_map(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Adds `message Features { map<string, Feature> feature = 1; }`."""
    kinds = descriptor_pb2.FieldDescriptorProto
    features_message = file.message_type.add(name="Features")
    entry = features_message.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(
        name="key", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL
    )
    entry.field.add(
        name="value",
        number=2,
        type=kinds.TYPE_MESSAGE,
        type_name=".tensorflow.Feature",
        label=kinds.LABEL_OPTIONAL,
    )
    features_message.field.add(
        name="feature",
        number=1,
        type=kinds.TYPE_MESSAGE,
        type_name=".tensorflow.Features.FeatureEntry",
        label=kinds.LABEL_REPEATED,
    )
