"""Large JPEGs: what is decoded counts, not what the header says."""

import numpy as np
import pytest

from fcn_core import images
from fcn_core.images.headers import read_header
from fcn_core.images.jpeg_size import jpeg_reduction
from tests.drawn import image_parts

PHONE = ((1, 2), (1, 1), (1, 1))


@pytest.mark.parametrize(
    ("height", "width", "max_side", "factor"),
    [
        (6_936, 9_248, 4_096, 2),
        (9_000, 12_000, 640, 8),
        (9_000, 12_000, 4_096, 2),
        (12_240, 16_320, 640, 8),
        (12_288, 16_384, 4_096, 4),
        (12_240, 16_320, 4_096, 2),
    ],
)
def test_photos_of_phones_are_decoded_smaller(
    height: int, width: int, max_side: int, factor: int
) -> None:
    data = image_parts.flat_jpeg(height, width)
    decoded = images.decode(data, max_side=max_side)
    assert (decoded.height, decoded.width) == (height, width)
    assert decoded.pixels.shape == (-(-height // factor), -(-width // factor), 3)
    assert np.all(decoded.pixels == 128)


@pytest.mark.parametrize(
    ("height", "width", "max_side"),
    [
        (6_936, 9_248, None),
        (6_936, 9_248, 9_000),
        (12_288, 16_384, 8_192),
        (16_384, 16_384, 640),
        (32_000, 32_000, 640),
        (60_000, 60_000, 640),
    ],
)
def test_what_is_too_large_stays_refused(
    height: int, width: int, max_side: int | None
) -> None:
    head = b"\xff\xd8" + image_parts.jpeg_frame(height, width)
    data = head + image_parts.jpeg_scan_header() + b"\0\xff\xd9"
    with pytest.raises(images.BadImage, match="too-many-pixels"):
        images.decode(data, max_side=max_side)


def test_several_scans_count_with_all_their_coefficients() -> None:
    for height, width, sampling, is_allowed in (
        (7_000, 9_000, PHONE, True),
        (9_000, 12_000, ((2, 2), (1, 1), (1, 1)), True),
        (9_000, 12_000, ((1, 1),) * 3, False),
        (12_240, 16_320, ((2, 2), (1, 1), (1, 1)), False),
    ):
        frame = image_parts.jpeg_frame(height, width, marker=0xC2, sampling=sampling)
        data = b"\xff\xd8" + frame + image_parts.jpeg_scan_header(spectrum=(0, 0))
        if is_allowed:
            header = read_header(data + b"\0\xff\xd9", max_side=640)
            assert header.coefficients >= height * width
            continue
        with pytest.raises(images.BadImage, match=r"too-many-pixels: .* several scans"):
            read_header(data + b"\0\xff\xd9", max_side=640)


def test_what_is_not_shrunk_is_decoded_whole() -> None:
    assert jpeg_reduction((8, 8), None) == 1
    assert jpeg_reduction((800, 8), 100) == 8
    assert jpeg_reduction((792, 8), 100) == 4
    assert jpeg_reduction((100, 8), 100) == 1
