"""Records of damaged TFRecord files: what checksums prove, and how fast."""

import gzip
import io
import random
import time

import pytest

from fcn_core.records import salvage, tfrecord
from fcn_core.records.tfrecord import FrameError


def frames(*payloads: bytes) -> bytes:
    file = io.BytesIO()
    for payload in payloads:
        tfrecord.write_frame(file, payload)
    return file.getvalue()


def contents(data: bytes) -> list[bytes | None]:
    """Returns the content of each stretch, None where it is no sound record."""
    file, found = io.BytesIO(data), list[bytes | None]()
    for stretch in list(salvage.stretches(file)):
        try:
            found.append(salvage.read_record(file, stretch.start))
        except FrameError:
            found.append(None)
    return found


PAYLOADS = [random.Random(n).randbytes(40 + n) for n in range(8)]
WHOLE = frames(*PAYLOADS)
STARTS = [len(frames(*PAYLOADS[:n])) for n in range(9)]


def test_stretches_are_all_of_a_file() -> None:
    for data in (WHOLE, WHOLE[:-3], WHOLE[5:], b"x" * 50, b""):
        found = list(salvage.stretches(io.BytesIO(data)))
        assert [stretch.start for stretch in found][1:] == [
            stretch.end for stretch in found
        ][:-1]
        assert sum(stretch.end - stretch.start for stretch in found) == len(data)
    assert contents(WHOLE) == PAYLOADS


def test_a_flip_of_any_bit_loses_no_other_record() -> None:
    for place in range(len(WHOLE)):
        data = bytearray(WHOLE)
        data[place] ^= 1 << place % 8
        number = max(n for n in range(8) if STARTS[n] <= place)
        is_header = place - STARTS[number] < tfrecord.HEADER_BYTES
        expected: list[bytes | None] = list(PAYLOADS)
        if not is_header:  # content or its checksum
            expected[number] = None
        assert contents(bytes(data)) == expected, place


def test_two_damages_in_one_record_lose_that_record_alone() -> None:
    data = bytearray(WHOLE)
    data[STARTS[4]] ^= 1
    data[STARTS[4] + 20] ^= 1
    assert contents(bytes(data)) == [*PAYLOADS[:4], None, *PAYLOADS[5:]]
    stretches = list(salvage.stretches(io.BytesIO(data)))
    assert [stretch.is_record for stretch in stretches].count(False) == 1


def test_headers_are_found_wherever_blocks_end(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(WHOLE)
    data[STARTS[2]] ^= 1
    data[STARTS[2] + 20] ^= 1
    for block in range(tfrecord.HEADER_BYTES, 64):
        monkeypatch.setattr(salvage, "_BLOCK", block)
        assert contents(bytes(data)) == [*PAYLOADS[:2], None, *PAYLOADS[3:]]


def test_a_length_beyond_the_end_is_no_header() -> None:
    assert contents(b"\xff" * 30 + frames(b"y" * 60)[:30]) == [None]


def test_bytes_that_are_missing_are_no_record_and_what_is_behind_them_is() -> None:
    data = WHOLE[: STARTS[2] + 30] + WHOLE[STARTS[3] + 10 :]
    assert contents(data)[:2] == PAYLOADS[:2]
    assert contents(data)[-4:] == PAYLOADS[4:]
    stretches = list(salvage.stretches(io.BytesIO(data)))
    assert not all(stretch.is_record for stretch in stretches)


def test_a_hole_is_looked_through_in_little_time() -> None:
    hole = (b"\1" + bytes(7)) * (4 << 17)  # 4 MiB that look like lengths
    started = time.process_time()
    assert contents(WHOLE + hole + WHOLE) == [*PAYLOADS, None, *PAYLOADS]
    assert time.process_time() - started < 5


def test_compression_is_seen() -> None:
    assert salvage.compression(io.BytesIO(WHOLE)) is None
    assert salvage.compression(io.BytesIO(b"")) is None
    found = salvage.compression(io.BytesIO(gzip.compress(WHOLE)))
    assert found is not None and found[0] == "GZIP"
    # A length of 0x9c78 begins like ZLIB's data, and is a length.
    long = frames(bytes(0x9C78))
    assert long[:2] == b"\x78\x9c"
    assert salvage.compression(io.BytesIO(long)) is None
