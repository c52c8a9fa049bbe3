"""Kinds of BMP and PNG, and the table in the docs."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from fcn_core import images
from fcn_core.images.extensions import REFUSED_EXTENSIONS
from fcn_core.images.signatures import sniff
from tests.drawn import image_parts, variant_table
from tests.drawn.bmp_variants import draw_bmp
from tests.drawn.odd_file import letter, saved
from tests.drawn.odd_files import stored_for

DOCS = Path(__file__).parents[3] / "docs" / "scoring.md"


def test_the_docs_have_the_table() -> None:
    assert variant_table.as_markdown() in DOCS.read_text("utf-8")


@pytest.mark.parametrize(
    ("bits", "options"),
    [
        *((bits, {"size": size}) for bits in (1, 4, 8) for size in (12, 40, 108, 124)),
        *((24, {"size": size}) for size in (12, 40, 108, 124)),
        (8, {"compression": 1}),
        (16, {}),
        (16, {"compression": 3, "fields": 555}),
        (16, {"compression": 3, "fields": 565}),
        (32, {}),
        *((32, {"compression": 3, "fields": 888, "size": s}) for s in (40, 56, 108)),
        *(
            (32, {"compression": 3, "fields": 888, "size": size, "alpha": alpha})
            for size in (56, 108, 124)
            for alpha in (0, 128, 255)
        ),
    ],
)
def test_bmps_show_the_drawn_pixels(bits: int, options: dict[str, int]) -> None:
    data, seen = draw_bmp(bits, **options)
    found = images.decode(data).pixels
    assert np.abs(found.astype(int) - seen).max() <= 1


@pytest.mark.parametrize(
    ("bits", "compression"),
    [(4, 2), (2, 0), (6, 0), (64, 0), (8, 2), (24, 1), (24, 4), (32, 5), (24, 3)],
)
def test_other_bmps_are_refused_with_a_cure(bits: int, compression: int) -> None:
    data = bytearray(draw_bmp(4, compression=2)[0])
    struct.pack_into("<HI", data, 28, bits, compression)
    with pytest.raises(images.BadImage, match="save it as") as caught:
        images.decode(bytes(data))
    assert caught.value.reason == "unsupported-variant"


def test_run_lengths_that_end_early_are_corrupt() -> None:
    data, _ = draw_bmp(8, compression=1)
    for end in (b"\0\1", b""):
        with pytest.raises(images.BadImage) as caught:
            images.decode(data[:-200] + end)
        assert caught.value.reason == "corrupt"


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_that_ends_early_is_corrupt_though_its_lengths_fit(
    lossless: bool,
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (100, 120, 3)).astype(np.uint8)
    whole = saved(noise, "WEBP", lossless=lossless)
    for cut in np.linspace(40, len(whole) * 0.98, 20).astype(int):
        data = bytearray(whole[:cut])
        struct.pack_into("<I", data, 4, cut - 8)
        struct.pack_into("<I", data, 16, cut - 20)
        with pytest.raises(images.BadImage) as caught:
            images.decode(bytes(data))
        assert caught.value.reason == "corrupt"


def test_a_gif_whose_end_code_comes_early_is_corrupt() -> None:
    whole = saved(letter()[..., 0], "GIF")
    at = whole.index(b",\0\0\0\0") + 10
    bits = "".join(f"{code:09b}"[::-1] for code in (256, *[5] * 10, 257)) + "0" * 4
    codes = bytes(int(bits[k : k + 8][::-1], 2) for k in range(0, len(bits) - 7, 8))
    data = whole[:at] + b"\x08" + bytes([len(codes)]) + codes + b"\0;"
    with pytest.raises(images.BadImage) as caught:
        images.decode(data)
    assert caught.value.reason == "corrupt"


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_a_picture_of_nothing_is_refused(kind: str) -> None:
    nothing = np.dstack([letter(), np.zeros((48, 32), np.uint8)])
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    with pytest.raises(images.BadImage, match="transparent: save it") as caught:
        images.decode(saved(nothing, kind, **options))
    assert caught.value.reason == "unsupported-variant"
    nothing[0, 0, 3] = 1
    assert images.decode(saved(nothing, kind, **options)).pixels.min() >= 254


def _text_chunk(kind: bytes, name: bytes, turn: int) -> bytes:
    exif = image_parts.exif(turn)
    digits = exif.hex().encode()
    lines = b"\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = b"\n%s\n%8d\n%s\n" % (name.split()[-1], len(exif), lines)
    if kind == b"zTXt":
        text = b"\0" + zlib.compress(text)
    return image_parts.png_chunk(kind, name + b"\0" + text)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
@pytest.mark.parametrize("name", [b"Raw profile type exif", b"Raw profile type APP1"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_exif_in_a_text_of_a_png_turns_it(
    turn: int, kind: bytes, name: bytes, place: str
) -> None:
    upright = letter()
    stored = stored_for(upright, turn)
    chunk = {place: _text_chunk(kind, name, turn)}
    rows = image_parts.png_rows(stored)
    data = image_parts.png(stored.shape[0], stored.shape[1], rows, **chunk)  # type: ignore[arg-type]
    found = images.decode(data)
    np.testing.assert_array_equal(found.pixels, upright)
    assert found.orientation == turn


def test_the_chunk_decides_over_the_text() -> None:
    rows = image_parts.png_rows(letter())
    text = _text_chunk(b"tEXt", b"Raw profile type exif", 3)
    chunk = image_parts.png_chunk(b"eXIf", image_parts.exif(1)[6:])
    found = images.decode(image_parts.png(48, 32, rows, before=text, after=chunk))
    assert found.orientation == 1


@pytest.mark.parametrize("text", [b"", b"\nexif\n 6\nnohex\n", b"\nexif\n 99\nabc\n"])
def test_a_text_without_exif_is_no_fault(text: bytes) -> None:
    chunk = image_parts.png_chunk(b"tEXt", b"Raw profile type exif\0" + text)
    rows = image_parts.png_rows(letter())
    found = images.decode(image_parts.png(48, 32, rows, before=chunk))
    assert found.orientation == 1


def test_a_png_of_xcode_is_named() -> None:
    data = image_parts.png(48, 32, image_parts.png_rows(letter()))
    data = data[:8] + image_parts.png_chunk(b"CgBI", b"P\0 \2") + data[8:]
    with pytest.raises(images.BadImage, match="Xcode") as caught:
        images.decode(data)
    assert caught.value.reason == "unsupported-variant"


@pytest.mark.parametrize(
    "suffix", [".jxl", ".jp2", ".hif", ".nrw", ".3fr", ".crw", ".psd"]
)
def test_photos_of_these_programs_become_rows(suffix: str) -> None:
    assert suffix in REFUSED_EXTENSIONS


@pytest.mark.parametrize(
    "start",
    [
        b"\0\0\0\x0cJXL \r\n\x87\n",
        b"\xff\x0a\xfa",
        b"\0\0\0\x0cjP  \r\n\x87\n",
        b"\xff\x4f\xff\x51",
        b"\0\0\0\x18ftypheix\0\0\0\0heix",
        b"II\x1a\0\0\0HEAPCCDR",
        b"8BPS\0\1",
        b"8BPS\0\2",
    ],
)
def test_they_are_named_with_a_cure(start: bytes) -> None:
    with pytest.raises(images.BadImage, match="convert to JPEG") as caught:
        sniff(start.ljust(64, b"\0"))
    assert caught.value.reason == "unsupported-format"
