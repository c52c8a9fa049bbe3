"""JPEGs with odd headers, ends and leftovers: decided by their blocks."""

import io
import random
import struct
import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from fcn_core import images
from tests.drawn import dense_jpeg, image_parts

TRAILER = b"\0\0\1\x0aImage_UTC_Data1406270201123SEFH" + bytes(40) + b"SEFT"
FILM = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + random.Random(3).randbytes(9_000)


def textured(seed: int = 0, height: int = 120, width: int = 160) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 9 + seed), np.cos(columns / 7), np.sin(rows * columns / 500)]
    noise = np.random.default_rng(seed).normal(0, 9, (height, width, 3))
    return np.clip(np.stack(waves, -1) * 90 + 128 + noise, 0, 255).astype(np.uint8)


def jpeg(seed: int = 0, **options: int | bool) -> bytes:
    file = io.BytesIO()
    Image.fromarray(textured(seed)).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


KINDS: dict[str, dict[str, int | bool]] = {
    "baseline": {},
    "optimised": {"optimize": True},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 16},
    "444": {"subsampling": 0},
}


def before(data: bytes, marker: bytes, extra: bytes) -> bytes:
    at = data.index(marker)
    return data[:at] + extra + data[at:]


def in_front(extra: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[:2] + extra + data[2:]


SEGMENT = image_parts.jpeg_segment
GOOD: dict[str, Callable[[bytes], bytes]] = {
    "stray bytes in front": lambda d: d[:20] + b"ab" + d[20:],
    "stray bytes before the tables": lambda d: before(d, b"\xff\xdb", b"\0\1\2xyz"),
    "stray bytes before the frame": lambda d: before(d, b"\xff\xc4", b"\r\n"),
    "stray bytes before the scan": lambda d: before(d, b"\xff\xda", b"\0" * 33),
    "JFIF 3.7": lambda d: d.replace(b"JFIF\0\1\1", b"JFIF\0\3\7"),
    "JFIF twice": in_front(SEGMENT(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")),
    "a short JFIF": in_front(SEGMENT(0xE0, b"JFIF\0\1")),
    "a short Adobe": in_front(SEGMENT(0xEE, b"Adobe\0")),
    "an unknown transform": in_front(SEGMENT(0xEE, b"Adobe\0\x64\0\0\0\0\7")),
    "a segment of length 0": in_front(b"\xff\xe5\0\0"),
    "wrong ICC numbers": in_front(SEGMENT(0xE2, b"ICC_PROFILE\0\7\2abc") * 2),
    "half an EXIF": in_front(SEGMENT(0xE1, b"Exif\0\0II*")),
    "many remarks": in_front(SEGMENT(0xFE, b"x" * 900) * 40),
    "no end": lambda d: d[:-2],
    "half an end": lambda d: d[:-1],
    "no end, one zero": lambda d: d[:-2] + b"\0",
    "no end, zeros": lambda d: d[:-2] + bytes(4096),
    "zeros before the end": lambda d: d[:-2] + bytes(64) + d[-2:],
    "no end, a phone's trailer": lambda d: d[:-2] + TRAILER,
    "no end, a film": lambda d: d[:-2] + FILM,
    "garbage after the end": lambda d: d + random.Random(1).randbytes(5_000),
    "fill bytes before the end": lambda d: d[:-2] + b"\xff" * 9 + d[-2:],
    "stray bytes, and no end": lambda d: d[:20] + b"ab" + d[20:-2],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("variant", GOOD)
def test_what_no_pixel_hangs_on_refuses_nothing(variant: str, kind: str) -> None:
    for seed in (0, 4, 6):
        good = jpeg(seed, **KINDS[kind])
        odd = GOOD[variant](good)
        assert odd != good
        np.testing.assert_array_equal(
            images.decode(odd).pixels, images.decode(good).pixels
        )


@pytest.mark.parametrize("spectrum", [b"\0\0\0", b"\0\x3f\1", b"\3\x3f\0", b"\xff" * 3])
def test_a_sequential_scan_holds_all_coefficients(spectrum: bytes) -> None:
    good = jpeg()
    end = good.index(b"\xff\xda") + 14
    odd = good[: end - 3] + spectrum + good[end:]
    np.testing.assert_array_equal(images.decode(odd).pixels, images.decode(good).pixels)


def test_zeros_before_restart_markers_are_filler() -> None:
    good = jpeg(restart_marker_blocks=16)
    for zeros in (1, 5, 64):
        odd = good
        for number in range(8):
            marker = bytes([0xFF, 0xD0 + number])
            odd = odd.replace(marker, bytes(zeros) + marker)
        assert len(odd) > len(good) + zeros
        pixels = images.decode(odd).pixels
        np.testing.assert_array_equal(pixels, images.decode(good).pixels)


@pytest.mark.parametrize(
    ("adobe", "expected"), [(b"Adobe\0\x64\0\0\0\0\0", "RGB"), (b"", "YCbCr")]
)
def test_the_colour_space_stays_what_the_file_says(adobe: bytes, expected: str) -> None:
    # Stored without a JFIF segment, whose meaning would win.
    good = jpeg(subsampling=0)
    bare = good[:2] + good[20:]
    named = bare[:2] + (SEGMENT(0xEE, adobe) if adobe else b"") + bare[2:]
    odd = named[:-2]
    pixels = images.decode(odd).pixels
    np.testing.assert_array_equal(pixels, images.decode(named).pixels)
    is_same = np.array_equal(pixels, images.decode(good).pixels)
    assert is_same == (expected == "YCbCr")


def test_a_picture_without_its_last_scans_ends_early() -> None:
    good = jpeg(progressive=True)
    scans = [at for at in range(len(good)) if good[at : at + 2] == b"\xff\xda"]
    for at in scans[1:]:
        tables = good.rfind(b"\xff\xc4", scans[0], at)
        for cut in {at, tables if tables > 0 else at}:
            with pytest.raises(images.BadImage, match=r"corrupt: .*ends before"):
                images.decode(good[:cut])


def test_leftover_that_may_be_coded_data_is_refused_truly() -> None:
    good = jpeg()
    odd = good[:-2] + random.Random(5).randbytes(40).replace(b"\xff", b"") + good[-2:]
    with pytest.raises(
        images.BadImage, match=r"corrupt-strict: .* more than its blocks"
    ):
        images.decode(odd)


DAMAGES: dict[str, Callable[[bytes, int, random.Random], bytes]] = {
    "cut": lambda d, at, rng: d[:at],
    "cut, an end": lambda d, at, rng: d[:at] + d[-2:],
    "cut, zeros": lambda d, at, rng: d[:at] + bytes(len(d) - at + rng.randrange(4096)),
    "cut, an end behind zeros": lambda d, at, rng: d[:at] + bytes(len(d) - at) + d[-2:],
    "cut, many zeros": lambda d, at, rng: d[:at] + bytes(200_000),
    "cut, text": lambda d, at, rng: d[:at] + b"the quick brown fox jumps. " * 6_000,
    "cut, a trailer": lambda d, at, rng: d[:at] + TRAILER,
    "cut, a film": lambda d, at, rng: d[:at] + FILM,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_lost_data_are_never_taken_for_a_picture(damage: str) -> None:
    rng = random.Random(damage)
    refused = 0
    for trial in range(50):
        good = jpeg(trial % 7, **KINDS[[*KINDS][trial % len(KINDS)]])
        start = good.rindex(b"\xff\xda") + 14
        at = rng.randrange(start, (start + 3 * len(good)) // 4)
        with pytest.raises(images.BadImage) as caught:
            images.decode(DAMAGES[damage](good, at, rng))
        assert caught.value.reason in {"corrupt", "corrupt-strict"}
        refused += 1
    assert refused == 50


def test_a_fault_among_many_scans_is_found_in_little_time() -> None:
    data = image_parts.scan_bomb(4_000, 4_000, scans=99, progressive=True)
    start = time.process_time()
    with pytest.raises(images.BadImage):
        images.decode(data[:-2] + bytes(9))
    assert time.process_time() - start < 10


def test_sixty_scans_of_a_large_picture_are_too_many() -> None:
    data = image_parts.scan_bomb(7_000, 7_000, scans=60, progressive=True)
    with pytest.raises(
        images.BadImage, match=r"too-many-scans: 60 JPEG scans of 7000x"
    ):
        images.decode(data)


def test_scans_of_slow_codes_are_fewer() -> None:
    for frame, expected in ((0xCA, "too-many-scans"), (0xC2, "corrupt")):
        data = image_parts.scan_bomb(4_000, 4_000, scans=20, progressive=True)
        odd = data.replace(b"\xff\xc2", bytes([0xFF, frame]))
        with pytest.raises(images.BadImage, match=expected):
            images.decode(odd)


def test_dense_scans_are_read() -> None:
    data = dense_jpeg.dense_scans(64)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.array(image.convert("RGB"))
    assert len(np.unique(expected)) > 4
    np.testing.assert_array_equal(images.decode(data).pixels, expected)


def test_a_frame_of_another_size_is_refused() -> None:
    frame = struct.pack(">HH", 120, 160)
    good = jpeg()
    assert frame in good
    with pytest.raises(images.BadImage, match="corrupt"):
        images.decode(good.replace(frame, struct.pack(">HH", 1200, 160)))
