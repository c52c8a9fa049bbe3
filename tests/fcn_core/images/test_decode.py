import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from fcn_core import geometry, images
from fcn_core.geometry import Size
from tests.drawn import image_parts, odd_files
from tests.drawn.odd_file import OddFile, saved


def photo(height: int = 60, width: int = 80, seed: int = 0) -> np.ndarray:
    """Returns a smooth colourful picture with a little noise."""
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = [np.sin(6 * rows + seed), np.cos(5 * columns), np.sin(4 * rows * columns)]
    noise = np.random.default_rng(seed).normal(0, 2, (height, width, 3))
    return np.clip(np.stack(waves, -1) * 90 + 128 + noise, 0, 255).astype(np.uint8)


def with_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


@pytest.mark.parametrize("file", odd_files.generate(), ids=lambda file: file.name)
def test_odd_files_decode_to_their_golden_pixels(file: OddFile) -> None:
    decoded = images.decode(file.data)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.shape == file.pixels.shape
    error = np.abs(decoded.pixels.astype(int) - file.pixels)
    assert error.max() <= file.tolerance
    assert decoded.format == file.format
    assert decoded.orientation == file.orientation
    assert (decoded.height, decoded.width) == file.pixels.shape[:2]


@pytest.mark.parametrize("file", odd_files.generate(), ids=lambda file: file.name)
def test_pixels_are_plain_memory_of_their_own(file: OddFile) -> None:
    pixels = images.decode(file.data).pixels
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_pixels_are_exactly_pillows(
    quality: int, subsampling: int, progressive: bool
) -> None:
    for seed, size in enumerate([(60, 80), (61, 79), (17, 8)]):
        data = saved(
            photo(*size, seed=seed),
            "JPEG",
            quality=quality,
            subsampling=subsampling,
            progressive=progressive,
        )
        np.testing.assert_array_equal(images.decode(data).pixels, with_pillow(data))


def test_cmyk_and_grey_jpegs_are_exactly_pillows() -> None:
    for mode in ("CMYK", "L"):
        file = io.BytesIO()
        Image.fromarray(photo()).convert(mode).save(file, "JPEG")
        data = file.getvalue()
        np.testing.assert_array_equal(images.decode(data).pixels, with_pillow(data))


def test_real_photos_are_exactly_pillows() -> None:
    root = os.environ.get("FCN_VOC_ROOT")
    if not root:
        pytest.skip("FCN_VOC_ROOT is not set: no VOC photos")
    paths = sorted((Path(root) / "JPEGImages").glob("*.jpg"))[::8]
    assert paths
    for path in paths:
        data = path.read_bytes()
        np.testing.assert_array_equal(images.decode(data).pixels, with_pillow(data))


def _with_orientation(pixels: np.ndarray, orientation: int) -> bytes:
    exif = image_parts.exif(orientation)
    return saved(pixels, "JPEG", quality=95, subsampling=0, exif=exif)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(
    ("max_side", "factor"),
    [
        (None, 1),
        (2000, 1),
        (800, 1),
        (401, 1),
        (400, 2),
        (201, 2),
        (200, 4),
        (101, 4),
        (100, 8),
        (60, 8),
    ],
)
def test_large_jpegs_are_decoded_smaller(
    orientation: int, max_side: int | None, factor: int
) -> None:
    stored = photo(601, 800)
    data = _with_orientation(stored, orientation)
    decoded = images.decode(data, max_side=max_side)
    full = images.decode(data)
    assert (decoded.height, decoded.width) == full.pixels.shape[:2]
    expected = (-(-decoded.height // factor), -(-decoded.width // factor))
    assert decoded.pixels.shape[:2] == expected
    size = (decoded.height, decoded.width)
    fitted = geometry.fit(size, max_side=max_side)
    assert decoded.pixels.shape[0] >= fitted.height
    assert decoded.pixels.shape[1] >= fitted.width
    shrunk = images.resize(decoded.pixels, fitted).astype(int)
    twin = images.resize(full.pixels, fitted)
    assert np.abs(shrunk - twin).mean() < 2


def test_other_formats_are_decoded_whole() -> None:
    decoded = images.decode(saved(photo(), "PNG"), max_side=20)
    assert decoded.pixels.shape == (60, 80, 3)


def test_a_small_jpeg_is_never_reduced() -> None:
    data = saved(np.full((1, 1, 3), 77, np.uint8), "JPEG", quality=100)
    for max_side in (None, 1, 500):
        decoded = images.decode(data, max_side=max_side).pixels
        np.testing.assert_array_equal(decoded, with_pillow(data))


def test_scans_are_counted_in_the_picture_only() -> None:
    data = saved(photo(), "JPEG", progressive=True)
    limits = images.DecodeLimits(max_scans=data.count(b"\xff\xda"))
    full = images.decode(data, limits=limits)
    thumbnail = image_parts.jpeg_segment(0xE5, b"\xff\xda\0\2" * 500)
    film = data[:2] + thumbnail + data[2:] + b"\xff\xda\0\2" * 500
    decoded = images.decode(film, limits=limits)
    np.testing.assert_array_equal(decoded.pixels, full.pixels)
    strict = images.DecodeLimits(max_scans=limits.max_scans - 1)
    with pytest.raises(images.BadImage, match="too-many-scans"):
        images.decode(data, limits=strict)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (images.DecodeLimits(max_bytes=100), "too-many-bytes"),
        (images.DecodeLimits(max_pixels=4_799), "too-many-pixels"),
        (images.DecodeLimits(max_side=79), "extreme-aspect"),
        (images.DecodeLimits(max_aspect=1), "extreme-aspect"),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
def test_limits_hold_for_every_format(
    kind: str, limits: images.DecodeLimits, reason: str
) -> None:
    data = saved(photo(), kind)
    if kind == "WEBP" and limits.max_pixels < 5_000:
        limits = images.DecodeLimits(max_webp_pixels=limits.max_pixels)
    with pytest.raises(images.BadImage) as caught:
        images.decode(data, limits=limits)
    assert caught.value.reason == reason
    exact = images.DecodeLimits(len(data), 4_800, 4_800, 80, 2)
    assert images.decode(data, limits=exact).height == 60


def test_a_gif_frame_larger_than_its_screen_meets_the_limits() -> None:
    data = bytearray(saved(photo()[..., 0], "GIF"))
    data[6:10] = struct.pack("<HH", 8, 8)
    with pytest.raises(images.BadImage, match="too-many-pixels"):
        images.decode(bytes(data), limits=images.DecodeLimits(max_pixels=4_000))


@pytest.mark.parametrize("hole", ["zeros", "noise"])
def test_jpegs_with_a_hole_that_shows_are_refused(hole: str) -> None:
    # What bad disks and broken transfers do. JPEG has no checksum: a single wrong bit
    # may leave a file that is valid everywhere, and nobody can tell.
    rng = np.random.default_rng(11)
    good = saved(photo(240, 320), "JPEG", quality=90)
    pixels = images.decode(good).pixels.astype(int)
    scan = good.index(b"\xff\xda") + 14
    refused = shown = 0
    for _ in range(100):
        length = int(rng.integers(64, 1024))
        at = int(rng.integers(scan, len(good) - length - 2))
        content = bytes(length) if hole == "zeros" else rng.bytes(length)
        damaged = good[:at] + content.replace(b"\xff", b"\xfe") + good[at + length :]
        visible = np.abs(_lenient(damaged, pixels) - pixels).mean() > 1
        try:
            images.decode(damaged)
            shown += visible
        except images.BadImage as error:
            assert error.reason in {"corrupt", "corrupt-strict"}
            refused += visible
    assert refused > 50
    assert refused / (refused + shown) >= 0.95


def _lenient(data: bytes, good: np.ndarray) -> np.ndarray:
    try:
        return with_pillow(data).astype(int)
    except (OSError, SyntaxError):
        return good  # not shown at all


def test_resize_to_the_same_size_is_the_identity() -> None:
    pixels = photo()
    assert images.resize(pixels, Size(60, 80)) is pixels


def test_resize_averages_what_it_shrinks() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 200
    shrunk = images.resize(stripes, Size(8, 8))
    assert shrunk.shape == (8, 8, 3)
    assert np.abs(shrunk[1:-1].astype(int) - 100).max() <= 3


def test_resize_agrees_with_the_geometry() -> None:
    # The position of an edge, mapped by to_fitted, is where the resized edge is.
    edge = np.zeros((50, 300, 3), np.uint8)
    edge[:, 120:] = 240
    shrunk = images.resize(edge, Size(25, 100))[12, :, 0].astype(float)
    place = geometry.to_fitted([119.5], original=300, fitted=100)[0]
    assert np.interp(120, shrunk[38:43], np.arange(38, 43)) == pytest.approx(
        place, abs=0.05
    )


def test_pad_fills_right_and_bottom() -> None:
    pixels = photo(5, 7)
    padded = images.pad(pixels, Size(8, 16), (1, 2, 3))
    assert padded.shape == (8, 16, 3)
    np.testing.assert_array_equal(padded[:5, :7], pixels)
    assert np.all(padded[5:] == (1, 2, 3))
    assert np.all(padded[:, 7:] == (1, 2, 3))


def test_pad_to_the_same_size_is_the_identity() -> None:
    pixels = photo(5, 7)
    assert images.pad(pixels, Size(5, 7), (0, 0, 0)) is pixels


def test_pad_does_not_crop() -> None:
    with pytest.raises(ValueError, match="fit it first"):
        images.pad(photo(5, 7), Size(4, 16), (0, 0, 0))
