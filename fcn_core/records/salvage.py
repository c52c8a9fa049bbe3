"""The records of a TFRecord file that may be damaged: what its checksums prove.

A record's length has a checksum of its own. Where it does not match, the next header
whose checksum does is looked for, so the records behind it are not lost. If all bytes
between match the checksum of one record's content, only its length was damaged.
"""

import functools
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from fcn_core.records import tfrecord
from fcn_core.records.tfrecord import CRC_BYTES, HEADER_BYTES, FrameError

_BLOCK: Final = 1 << 20
_MAX_PROVED_BYTES: Final = 1 << 28
"""A record of a damaged length is read to be proved, if it is not longer."""

_COMPRESSIONS: Final = {
    b"\x1f\x8b": ("GZIP", "gunzip -c OLD > NEW"),
    b"\x78\x01": ("ZLIB", "zlib-flate -uncompress < OLD > NEW"),
    b"\x78\x5e": ("ZLIB", "zlib-flate -uncompress < OLD > NEW"),
    b"\x78\x9c": ("ZLIB", "zlib-flate -uncompress < OLD > NEW"),
    b"\x78\xda": ("ZLIB", "zlib-flate -uncompress < OLD > NEW"),
}


class Stretch(NamedTuple):
    """Some bytes of a file.

    Attributes:
        start: Of the first.
        end: Behind the last.
        is_record: Whether they are one record; else nobody can say what they are.
    """

    start: int
    end: int
    is_record: bool


def compression(file: BinaryIO) -> tuple[str, str] | None:
    """Returns how a whole file is compressed and what undoes it; None if it is not.

    Args:
        file: Open; it is left at its beginning.
    """
    file.seek(0)
    beginning = file.read(HEADER_BYTES)
    file.seek(0)
    if tfrecord.length_of(beginning) is not None:
        return None
    return _COMPRESSIONS.get(beginning[:2])


def stretches(source: Path | BinaryIO) -> Iterator[Stretch]:
    """Yields the records of a file and what lies between them; together all of it.

    Args:
        source: A local file, or one that is open.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield from stretches(file)
        return
    size, start = source.seek(0, os.SEEK_END), 0
    while start < size:
        found = _stretch(source, start, size)
        yield found
        start = found.end


def read_record(file: BinaryIO, start: int) -> bytes:
    """Returns the content of a record that `stretches` found.

    Args:
        file: Open.
        start: Where the record begins.

    Raises:
        FrameError: Its bytes do not match their checksum, or there is no record.
    """
    found = _stretch(file, start, file.seek(0, os.SEEK_END))
    if not found.is_record:
        raise FrameError(f"the bytes {found.start} to {found.end} are no record")
    data = _content(file, found.start, found.end)
    if data is None:
        raise FrameError(f"the bytes of the record at {start} fail their checksum")
    return data


def _stretch(file: BinaryIO, start: int, size: int) -> Stretch:
    file.seek(start)
    length = tfrecord.length_of(file.read(HEADER_BYTES))
    if length is not None:
        end = start + HEADER_BYTES + length + CRC_BYTES
        return Stretch(start, end, True) if end <= size else Stretch(start, size, False)
    end = _next_header(file, start + 1, size)
    return Stretch(start, end, _content(file, start, end) is not None)


def _content(file: BinaryIO, start: int, end: int) -> bytes | None:
    """Returns what lies between a header and a checksum that it matches, else None."""
    length = end - start - HEADER_BYTES - CRC_BYTES
    if length < 0 or length > _MAX_PROVED_BYTES:
        return None
    file.seek(start + HEADER_BYTES)
    data = file.read(length)
    return data if file.read(CRC_BYTES) == tfrecord.checksum(data) else None


def _next_header(file: BinaryIO, start: int, size: int) -> int:
    """Returns where the next sound header begins; the file's size if there is none."""
    while start + HEADER_BYTES <= size:
        file.seek(start)
        block = file.read(_BLOCK)
        for place in _sound_headers(block):
            length = struct.unpack_from("<Q", block, place)[0]
            if start + place + HEADER_BYTES + length + CRC_BYTES <= size:
                return start + int(place)
        start += max(1, len(block) - HEADER_BYTES + 1)
    return size


def _sound_headers(block: bytes) -> NDArray[np.intp]:
    """Returns where lengths with their checksums are; a length of 0 is none."""
    data = np.frombuffer(block, np.uint8)
    if len(data) < HEADER_BYTES:
        return np.zeros(0, np.intp)
    count = len(data) - HEADER_BYTES + 1
    zero = data == 0
    # Below 2^31: the bytes 4 to 7 are 0, and not all others.
    is_small = data[3 : 3 + count] < 128
    for place in range(4, 8):
        is_small &= zero[place : place + count]
    for_zero = zero[:count].copy()
    for place in range(1, 4):
        for_zero &= zero[place : place + count]
    places = np.flatnonzero(is_small & ~for_zero)
    crc = np.full(len(places), google_crc32c.value(bytes(8)), np.uint32)
    for offset, table in enumerate(_tables()):
        crc ^= table[data[places + offset]]
    masked = (crc >> np.uint32(15) | crc << np.uint32(17)) + np.uint32(0xA282EAD8)
    written = np.zeros(len(places), np.uint32)
    for offset in range(CRC_BYTES):
        byte = data[places + 8 + offset].astype(np.uint32)
        written |= byte << np.uint32(8 * offset)
    return places[masked == written]


@functools.cache
def _tables() -> tuple[NDArray[np.uint32], ...]:
    """Returns for each byte of a length what its values change in the checksum."""
    zero = google_crc32c.value(bytes(8))
    return tuple(
        np.array(
            [
                google_crc32c.value(bytes(place) + bytes([value]) + bytes(7 - place))
                ^ zero
                for value in range(256)
            ],
            np.uint32,
        )
        for place in range(8)
    )
