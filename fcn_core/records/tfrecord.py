"""TFRecord files and the tf.Example message, without TensorFlow.

A worker that only converts or reads records should not pay for importing it. The
framing is TensorFlow's (tensorflow/core/lib/io/record_writer.h): little-endian length,
masked CRC32C of the length, the bytes, masked CRC32C of the bytes.
"""

import functools
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import google_crc32c
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
)

_HEADER: Final = struct.Struct("<QI")
_CRC: Final = struct.Struct("<I")
HEADER_BYTES: Final = _HEADER.size
"""Before a record's content: its length and the checksum of that."""

CRC_BYTES: Final = _CRC.size
"""Behind a record's content: its checksum."""

_MAX_FRAME_BYTES: Final = (1 << 31) - 1
"""A protobuf message cannot be longer; a longer length is damage."""

_EXAMPLE_PROTO: Final = """
name: "fcn_core/example.proto" package: "tensorflow" syntax: "proto3"
message_type { name: "BytesList"
  field { name: "value" number: 1 type: TYPE_BYTES label: LABEL_REPEATED } }
message_type { name: "FloatList"
  field { name: "value" number: 1 type: TYPE_FLOAT label: LABEL_REPEATED } }
message_type { name: "Int64List"
  field { name: "value" number: 1 type: TYPE_INT64 label: LABEL_REPEATED } }
message_type { name: "Feature"
  oneof_decl { name: "kind" }
  field { name: "bytes_list" number: 1 label: LABEL_OPTIONAL oneof_index: 0
          type: TYPE_MESSAGE type_name: ".tensorflow.BytesList" }
  field { name: "float_list" number: 2 label: LABEL_OPTIONAL oneof_index: 0
          type: TYPE_MESSAGE type_name: ".tensorflow.FloatList" }
  field { name: "int64_list" number: 3 label: LABEL_OPTIONAL oneof_index: 0
          type: TYPE_MESSAGE type_name: ".tensorflow.Int64List" } }
message_type { name: "Features"
  nested_type { name: "FeatureEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 label: LABEL_OPTIONAL
            type: TYPE_MESSAGE type_name: ".tensorflow.Feature" } }
  field { name: "feature" number: 1 label: LABEL_REPEATED
          type: TYPE_MESSAGE type_name: ".tensorflow.Features.FeatureEntry" } }
message_type { name: "Example"
  field { name: "features" number: 1 label: LABEL_OPTIONAL
          type: TYPE_MESSAGE type_name: ".tensorflow.Features" } }
"""


class FrameError(Exception):
    """A TFRecord file is cut short or damaged; the cure is the catcher's to name."""


def write_frame(file: BinaryIO, data: bytes) -> None:
    """Appends one record to an open binary file."""
    file.writelines(frame(data))


def frame(*parts: bytes) -> list[bytes]:
    """Returns a record as it stands in a file, in pieces that are not copied.

    Args:
        parts: The record, in one piece or several.
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
        source: A local path, or a binary file open at a record's start.

    Raises:
        FrameError: The file ends inside a record or a checksum does not match.
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
            raise FrameError(f"{what} ends inside its header")
        length = length_of(header)
        if length is None:
            raise FrameError(
                f"the length of {what} is damaged, or this is no TFRecord file"
            )
        body = file.read(length + _CRC.size)
        if len(body) < length + _CRC.size:
            raise FrameError(
                f"{what} has {len(body)} bytes, expected {length + _CRC.size}"
            )
        data = body[:length]
        if _CRC.unpack(body[length:])[0] != _masked_crc(data):
            raise FrameError(f"the bytes of {what} do not match their checksum")
        yield data
        number += 1


def frame_offsets(source: Path | BinaryIO, *, start: int = 0) -> Iterator[int]:
    """Yields where each record of a TFRecord file begins, without reading the records.

    It ends early, without an error, where a length is damaged; `salvage` finds what
    lies behind it. A caller who knows the number of records can tell.

    Args:
        source: A local file, or one that is open.
        start: Where a record begins.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield from frame_offsets(file, start=start)
        return
    size = source.seek(0, os.SEEK_END)
    while start < size:
        source.seek(start)
        length = length_of(source.read(HEADER_BYTES))
        if length is None:
            return
        yield start
        start += HEADER_BYTES + length + CRC_BYTES


def length_of(header: bytes) -> int | None:
    """Returns the length of a record; None where its header is cut short or damaged.

    Args:
        header: The `HEADER_BYTES` that the record begins with.
    """
    if len(header) < _HEADER.size:
        return None
    length, checksum = _HEADER.unpack(header)
    if checksum != _masked_crc(header[:8]) or length > _MAX_FRAME_BYTES:
        return None
    return int(length)


def checksum(data: bytes) -> bytes:
    """Returns the checksum of a record's content as it stands behind it."""
    return _CRC.pack(_masked_crc(data))


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
    file = descriptor_pb2.FileDescriptorProto()
    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(_EXAMPLE_PROTO, file))
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("tensorflow.Example")
    )
