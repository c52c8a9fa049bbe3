"""PNGs whose remarks are odd, and PNGs whose data end early."""

import struct
import time
import zlib

import numpy as np
import pytest

from fcn_core import images
from tests.drawn import image_parts
from tests.drawn.image_parts import png_chunk

PIXELS = np.random.default_rng(4).integers(0, 256, (23, 31, 3), dtype=np.uint8)
ROWS = image_parts.png_rows(PIXELS)
REMARKS = {
    b"pHYs": struct.pack(">IIB", 2835, 2835, 1),
    b"tEXt": b"Comment\0x",
    b"zTXt": b"Comment\0\0" + zlib.compress(bytes(3_000_000)),
    b"iTXt": b"XML:com.adobe.xmp\0\0\0\0\0<x/>",
    b"iCCP": b"icc\0\0" + zlib.compress(bytes(2_000_000)),
    b"gAMA": struct.pack(">I", 45455),
    b"cHRM": bytes(32),
    b"sRGB": b"\0",
    b"eXIf": image_parts.exif(1)[6:],
    b"acTL": struct.pack(">II", 2, 0),
    b"prVt": b"own",
}


def png(before: bytes = b"", after: bytes = b"") -> bytes:
    return image_parts.png(23, 31, ROWS, before=before, after=after)


def expect_pixels(data: bytes, pixels: np.ndarray = PIXELS) -> None:
    np.testing.assert_array_equal(images.decode(data).pixels, pixels)


@pytest.mark.parametrize("kind", REMARKS)
def test_a_remark_never_refuses_a_picture(kind: bytes) -> None:
    body = REMARKS[kind]
    for content in (body, body[:3], b"", body * 2):
        for is_wrong in (False, True):
            chunk = png_chunk(kind, content, wrong_checksum=is_wrong)
            expect_pixels(png(before=chunk))
            expect_pixels(png(after=chunk))
            expect_pixels(png(before=chunk * 3))


def test_a_palette_that_no_pixel_uses_refuses_nothing() -> None:
    for body in (bytes(30), bytes(5), b""):
        expect_pixels(png(before=png_chunk(b"PLTE", body, wrong_checksum=True)))


def test_a_damaged_exif_block_turns_nothing() -> None:
    turned = png_chunk(b"eXIf", image_parts.exif(6)[6:])
    damaged = png_chunk(b"eXIf", image_parts.exif(6)[6:], wrong_checksum=True)
    expect_pixels(png(after=turned), np.rot90(PIXELS, -1))
    expect_pixels(png(after=damaged))


@pytest.mark.parametrize("cut", range(1, 13))
def test_the_end_chunk_may_be_missing(cut: int) -> None:
    expect_pixels(png()[:-cut])
    expect_pixels(png(after=png_chunk(b"tEXt", b"a\0b"))[: -12 - cut])


@pytest.mark.parametrize("has_end", [True, False])
@pytest.mark.parametrize("interlace", [0, 1])
@pytest.mark.parametrize("rows", [0, 1, 11, 22])
def test_rows_that_are_missing_are_noticed(
    rows: int, interlace: int, has_end: bool
) -> None:
    data = image_parts.png(23, 31, ROWS[: rows * 94], interlace=interlace)
    with pytest.raises(images.BadImage) as caught:
        images.decode(data if has_end else data[:-12])
    assert caught.value.reason == "corrupt"


def test_black_rows_at_the_end_are_a_picture() -> None:
    for pixels in (np.zeros_like(PIXELS), PIXELS * (np.arange(23) < 9)[:, None, None]):
        expect_pixels(
            image_parts.png(23, 31, image_parts.png_rows(pixels.astype(np.uint8))),
            pixels,
        )


def test_pixel_data_in_many_chunks_without_an_end() -> None:
    stream = zlib.compress(ROWS)
    head = png()[:33]
    chunks = [png_chunk(b"IDAT", stream[at : at + 7]) for at in range(0, 9999, 7)]
    expect_pixels(head + b"".join(chunks))
    with pytest.raises(images.BadImage, match=r"corrupt: .*(truncated|ends before)"):
        images.decode(head + b"".join(chunks[: len(stream) // 14]))


def test_a_few_rows_of_many_are_refused_in_little_time() -> None:
    rows = image_parts.png_rows(np.zeros((200, 7_000, 3), np.uint8))
    start = time.process_time()
    with pytest.raises(images.BadImage, match="corrupt: the PNG ends before"):
        images.decode(image_parts.png(7_000, 7_000, rows))
    assert time.process_time() - start < 10


@pytest.mark.parametrize("kind", [b"IDAT", b"tEXt"])
def test_a_flood_of_chunks_costs_little(kind: bytes) -> None:
    data = png(before=png_chunk(kind, b"") * 5_000_000)
    start = time.process_time()
    with pytest.raises(images.BadImage, match=r"bad-header: more than .* chunks"):
        images.decode(data)
    assert time.process_time() - start < 5
    expect_pixels(png(after=png_chunk(kind, b"") * 100_000))
