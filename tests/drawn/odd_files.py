"""Odd but good files: images that must decode, each with the pixels it must give.

The pixels are computed here with plain array arithmetic from the samples that are
stored, so they do not depend on the decoder that is tested.
"""

import io
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.drawn import image_parts


class OddFile(NamedTuple):
    """One file that must be decoded.

    Attributes:
        name: a file name; its extension is sometimes a lie.
        data: the bytes.
        pixels: uint8 [h, w, 3] RGB, upright, over white.
        tolerance: largest difference allowed, of 255; above 1 only for lossy forms.
        format: the format to be reported.
        orientation: the EXIF orientation to be reported.
    """

    name: str
    data: bytes
    pixels: NDArray[np.uint8]
    tolerance: int = 1
    format: str = "PNG"
    orientation: int = 1


def generate() -> list[OddFile]:
    """Returns odd files of all forms; the same list every time."""
    return [
        *_turned(),
        *_grey(),
        *_palettes(),
        *_transparent(),
        *_deep_colours(),
        *_jpegs(),
        *_libraries_formats(),
        *_tiffs(),
        *_tiny(),
        *_wrong_names(),
    ]


def letter(height: int = 48, width: int = 32) -> NDArray[np.uint8]:
    """Returns uint8 [height, width, 3]: flat blocks of 8, no two sides alike.

    Blocks survive JPEG, and all eight ways to turn the picture look different.
    """
    rows, columns = np.mgrid[: height // 8, : width // 8]
    values = np.stack([rows * 40, columns * 60, 200 - rows * 20], axis=-1)
    return values.astype(np.uint8).repeat(8, 0).repeat(8, 1)


def stored_for(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Returns what a camera stores so that an EXIF orientation shows `upright`.

    By the table of EXIF 2.32: where the stored row 0 and column 0 are shown, as
    (top, left), (top, right), (bottom, right), (bottom, left), (left, top),
    (right, top), (right, bottom), (left, bottom).
    """
    row_side, column_side = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }[orientation]
    stored = upright
    if row_side in ("left", "right"):
        stored = np.transpose(stored, (1, 0, 2))
    if row_side in ("bottom", "right"):
        stored = stored[::-1]
    if column_side in ("bottom", "right"):
        stored = stored[:, ::-1]
    return np.ascontiguousarray(stored)


def saved(pixels: NDArray[np.generic], kind: str, **options: object) -> bytes:
    """Returns an array saved in a format."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def over_white(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[np.uint8]:
    """Returns uint8 [h, w, 3]: 8-bit colours with 8-bit alpha, laid over white."""
    a = alpha[..., None].astype(np.float64) / 255
    return np.rint(colours * a + 255 * (1 - a)).astype(np.uint8)


def _three(grey: NDArray[np.generic]) -> NDArray[np.uint8]:
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)


def _turned() -> Iterator[OddFile]:
    upright = letter()
    for turn in range(1, 9):
        stored = stored_for(upright, turn)
        height, width = stored.shape[:2]
        exif = image_parts.exif(turn)
        jpeg = saved(stored, "JPEG", quality=100, subsampling=0, exif=exif)
        yield OddFile(f"turned{turn}.jpg", jpeg, upright, 3, "JPEG", turn)
        big = image_parts.exif(turn, order=">", kind=4)
        jpeg = saved(stored, "JPEG", quality=100, subsampling=0, exif=big)
        yield OddFile(f"turned{turn}-big-endian.jpg", jpeg, upright, 3, "JPEG", turn)
        chunk = image_parts.png_chunk(b"eXIf", exif[6:])
        rows = image_parts.png_rows(stored)
        png = image_parts.png(height, width, rows, before=chunk)
        yield OddFile(f"turned{turn}.png", png, upright, 0, "PNG", turn)
        late = image_parts.png(height, width, rows, after=chunk)
        yield OddFile(f"turned{turn}-late.png", late, upright, 0, "PNG", turn)
        webp = saved(stored, "WEBP", lossless=True, exif=exif)
        yield OddFile(f"turned{turn}.webp", webp, upright, 0, "WEBP", turn)
        tiff = _three_channel_tiff(stored, orientation=turn)
        yield OddFile(f"turned{turn}.tif", tiff, upright, 0, "TIFF", turn)
    for value in (0, 9, 255, 65_535):
        exif = image_parts.exif(value)
        jpeg = saved(upright, "JPEG", quality=100, subsampling=0, exif=exif)
        yield OddFile(f"orientation-{value}.jpg", jpeg, upright, 3, "JPEG")
    broken = image_parts.exif(6)[:-12]
    jpeg = saved(upright, "JPEG", quality=100, subsampling=0, exif=broken)
    yield OddFile("broken-exif.jpg", jpeg, upright, 3, "JPEG")


def _three_channel_tiff(
    pixels: NDArray[np.uint8], *, photometric: int = 2, orientation: int = 1
) -> bytes:
    height, width = pixels.shape[:2]
    tags: dict[int, tuple[int, list[int]]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [8, 8, 8]),
        262: (3, [photometric]),
        274: (3, [orientation]),
        277: (3, [3]),
        278: (4, [height]),
    }
    return image_parts.tiff(tags, pixels.tobytes())


def _grey() -> Iterator[OddFile]:
    for bits in (1, 2, 4, 8):
        values = np.arange(12 * 20).reshape(12, 20) % 2**bits
        grey = values * 255 // (2**bits - 1)
        png = image_parts.png(
            12, 20, image_parts.png_rows(values, bits=bits), bits=bits, colours=0
        )
        yield OddFile(f"grey{bits}.png", png, _three(grey))
        colour = image_parts.png_chunk(b"tRNS", struct.pack(">H", 1))
        rows = image_parts.png_rows(values, bits=bits)
        png = image_parts.png(12, 20, rows, bits=bits, colours=0, before=colour)
        seen = np.where(values == 1, 255, grey)
        yield OddFile(f"grey{bits}-transparent.png", png, _three(seen))
    deep = np.linspace(0, 65_535, 12 * 20).astype(np.uint16).reshape(12, 20)
    twin = _three(np.rint(deep / 257))
    png = image_parts.png(
        12, 20, image_parts.png_rows(deep, bits=16), bits=16, colours=0
    )
    yield OddFile("grey16.png", png, twin)
    colour = image_parts.png_chunk(b"tRNS", struct.pack(">H", deep[5, 5]))
    rows = image_parts.png_rows(deep, bits=16)
    png = image_parts.png(12, 20, rows, bits=16, colours=0, before=colour)
    seen = twin.copy()
    seen[5, 5] = 255
    yield OddFile("grey16-transparent.png", png, seen)
    for order in "<>":
        pixels = deep.astype(order + "u2").tobytes()
        tiff = image_parts.grey_tiff(12, 20, pixels, bits=16, order=order)
        yield OddFile(f"grey16{'lb'['<>'.index(order)]}.tif", tiff, twin, format="TIFF")


def _palettes() -> Iterator[OddFile]:
    for bits in (1, 2, 4, 8):
        colours = 2**bits
        indices = np.arange(12 * 20).reshape(12, 20) % colours
        palette = (np.arange(colours * 3) * 83 % 256).astype(np.uint8).reshape(-1, 3)
        chunk = image_parts.png_chunk(b"PLTE", palette.tobytes())
        rows = image_parts.png_rows(indices, bits=bits)
        png = image_parts.png(12, 20, rows, bits=bits, colours=3, before=chunk)
        yield OddFile(f"palette{bits}.png", png, palette[indices])
        alpha = (255 - np.arange(colours) * 17 % 256).astype(np.uint8)
        chunk += image_parts.png_chunk(b"tRNS", alpha.tobytes())
        png = image_parts.png(12, 20, rows, bits=bits, colours=3, before=chunk)
        seen = over_white(palette[indices], alpha[indices])
        yield OddFile(f"palette{bits}-alpha.png", png, seen)


def _transparent() -> Iterator[OddFile]:
    colours = letter(16, 16)
    alpha = (np.arange(256).reshape(16, 16)).astype(np.uint8)
    rgba = np.dstack([colours, alpha])
    seen = over_white(colours, alpha)
    png = image_parts.png(16, 16, image_parts.png_rows(rgba), colours=6)
    yield OddFile("alpha.png", png, seen)
    webp = saved(rgba, "WEBP", lossless=True, exact=True)
    yield OddFile("alpha.webp", webp, seen, format="WEBP")
    yield OddFile("alpha.tif", saved(rgba, "TIFF"), seen, format="TIFF")
    grey = np.dstack([colours[..., 0], alpha])
    png = image_parts.png(16, 16, image_parts.png_rows(grey), colours=4)
    yield OddFile("grey-alpha.png", png, over_white(_three(colours[..., 0]), alpha))
    chunk = image_parts.png_chunk(
        b"tRNS", struct.pack(">HHH", *map(int, colours[0, 0]))
    )
    png = image_parts.png(16, 16, image_parts.png_rows(colours), before=chunk)
    hidden = (colours == colours[0, 0]).all(-1)
    seen = np.where(hidden[..., None], 255, colours).astype(np.uint8)
    yield OddFile("rgb-transparent.png", png, seen)


def _deep_colours() -> Iterator[OddFile]:
    deep = (np.arange(12 * 20 * 3) * 91).astype(np.uint16).reshape(12, 20, 3)
    twin = np.rint(deep / 257).astype(np.uint8)
    png = image_parts.png(12, 20, image_parts.png_rows(deep, bits=16), bits=16)
    yield OddFile("rgb16.png", png, twin)
    alpha = (np.arange(12 * 20) * 271).astype(np.uint16).reshape(12, 20)
    rows = image_parts.png_rows(np.dstack([deep, alpha]), bits=16)
    png = image_parts.png(12, 20, rows, bits=16, colours=6)
    seen = over_white(deep / 257, alpha / 257)
    yield OddFile("rgba16.png", png, seen, tolerance=2)
    rows = image_parts.png_rows(np.dstack([deep[..., 0], alpha]), bits=16)
    png = image_parts.png(12, 20, rows, bits=16, colours=4)
    seen = over_white(_three(np.rint(deep[..., 0] / 257)), alpha / 257)
    yield OddFile("grey-alpha16.png", png, seen, tolerance=2)


def _jpegs() -> Iterator[OddFile]:
    photo = letter()
    best = {"quality": 100, "subsampling": 0}
    plain = saved(photo, "JPEG", **best)
    forms = {
        "progressive": saved(photo, "JPEG", progressive=True, **best),
        "optimised": saved(photo, "JPEG", optimize=True, **best),
        "restarts": saved(photo, "JPEG", restart_marker_blocks=2, **best),
        "padded-markers": plain.replace(b"\xff\xc0", b"\xff\xff\xff\xc0", 1),
        "text-behind": plain + b"appended by a careless program",
        "film-behind": plain + b"\xff\xda\0\2" * 500,
        "thumbnail": _with_segment(plain, 0xE1, b"Exif\0\0" + plain[:600] * 20),
        "colour-profile": saved(photo, "JPEG", icc_profile=bytes(3_000), **best),
        "comment": _with_segment(plain, 0xFE, b"\xff\xda\xff\xd9 in a comment"),
    }
    for name, data in forms.items():
        yield OddFile(f"{name}.jpg", data, photo, 3, "JPEG")
    grey = saved(photo[..., 0], "JPEG", quality=100)
    yield OddFile("grey.jpg", grey, _three(photo[..., 0]), 1, "JPEG")
    yield OddFile("inks.jpg", _cmyk_jpeg(photo), photo, 4, "JPEG")
    flat = np.full((37, 53, 3), 128, np.uint8)
    for number, sampling in enumerate(
        (
            ((2, 2), (1, 1), (1, 1)),
            ((1, 1), (2, 1), (1, 1)),
            ((3, 1), (1, 1), (1, 1)),
            ((1, 2), (1, 2), (1, 2)),
            ((1, 4), (1, 1), (1, 1)),
            ((2, 2), (2, 1), (1, 1)),
            ((2, 2),),
        )
    ):
        data = image_parts.flat_jpeg(37, 53, sampling=sampling)
        yield OddFile(f"sampling{number}.jpg", data, flat, 1, "JPEG")


def _with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    return jpeg[:2] + image_parts.jpeg_segment(marker, content) + jpeg[2:]


def _cmyk_jpeg(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(pixels).convert("CMYK")
    image.save(file, "JPEG", quality=100, subsampling=0)
    return file.getvalue()


def _libraries_formats() -> Iterator[OddFile]:
    photo = letter()
    yield OddFile("plain.bmp", saved(photo, "BMP"), photo, 0, "BMP")
    grey = photo[..., 1]
    yield OddFile("grey.bmp", saved(grey, "BMP"), _three(grey), 0, "BMP")
    black_white = grey > 100
    one_bit = _three(np.where(black_white, 255, 0))
    yield OddFile("1bit.bmp", saved(black_white, "BMP"), one_bit, 0, "BMP")
    rows = photo[:, :, ::-1].tobytes()
    top_down = image_parts.bmp_header(-48, 32) + rows
    yield OddFile("top-down.bmp", top_down, photo, 0, "BMP")
    yield OddFile("plain.webp", saved(photo, "WEBP", quality=95), photo, 40, "WEBP")
    gif = saved(grey, "GIF")
    yield OddFile("grey.gif", gif, _three(grey), 0, "GIF")
    others = [Image.fromarray(255 - grey), Image.fromarray(grey // 2)]
    frames = {"save_all": True, "append_images": others}
    yield OddFile("film.gif", saved(grey, "GIF", **frames), _three(grey), 0, "GIF")
    film = [Image.fromarray(255 - photo)]
    webp = saved(photo, "WEBP", save_all=True, append_images=film, lossless=True)
    yield OddFile("film.webp", webp, photo, 0, "WEBP")
    png = saved(photo, "PNG", save_all=True, append_images=film)
    yield OddFile("film.png", png, photo, 0)
    best = {"quality": 100, "subsampling": 0}
    mpo = saved(photo, "MPO", save_all=True, append_images=film, **best)
    yield OddFile("two-pictures.jpg", mpo, photo, 3, "JPEG")
    clear = np.where(grey == grey[0, 0], 255, grey)
    gif = saved(grey, "GIF", transparency=int(grey[0, 0]))
    yield OddFile("transparent.gif", gif, _three(clear), 0, "GIF")


def _tiffs() -> Iterator[OddFile]:
    photo = letter()
    for packing in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        tiff = saved(photo, "TIFF", compression=packing)
        yield OddFile(f"{packing}.tif", tiff, photo, 0, "TIFF")
    tiff = saved(photo, "TIFF", compression="jpeg", quality=100)
    yield OddFile("jpeg.tif", tiff, photo, 12, "TIFF")
    black_white = photo[..., 1] > 100
    one_bit = _three(np.where(black_white, 255, 0))
    for packing in ("raw", "group3", "group4"):
        tiff = saved(black_white, "TIFF", compression=packing)
        yield OddFile(f"1bit-{packing}.tif", tiff, one_bit, 0, "TIFF")
    more = [Image.fromarray(255 - photo)]
    tiff = saved(photo, "TIFF", save_all=True, append_images=more)
    yield OddFile("two-pages.tif", tiff, photo, 0, "TIFF")
    inks = np.dstack([255 - photo, np.zeros((48, 32), np.uint8)])
    file = io.BytesIO()
    Image.frombytes("CMYK", (32, 48), inks.tobytes()).save(file, "TIFF")
    yield OddFile("inks.tif", file.getvalue(), photo, 1, "TIFF")
    white = 255 - photo[..., 0]
    tiff = image_parts.grey_tiff(48, 32, white.tobytes(), photometric=0)
    yield OddFile("white-is-zero.tif", tiff, _three(photo[..., 0]), 0, "TIFF")
    # CIELAB: lightness 0..255, then two signed colour differences.
    lab = np.array([[[255, 0, 0], [0, 0, 0]]], np.uint8)
    lightness = np.array([[[255] * 3, [0] * 3]], np.uint8)
    tiff = _three_channel_tiff(lab, photometric=8)
    yield OddFile("lab.tif", tiff, lightness, 2, "TIFF")


def _tiny() -> Iterator[OddFile]:
    for height, width in ((1, 1), (1, 200), (200, 1), (3, 2)):
        pixels = np.full((height, width, 3), (200, 30, 90), np.uint8)
        for kind in ("PNG", "BMP", "TIFF"):
            data = saved(pixels, kind)
            name = f"{height}x{width}.{kind.lower()}"
            yield OddFile(name, data, pixels, 0, kind)
        webp = saved(pixels, "WEBP", lossless=True)
        yield OddFile(f"{height}x{width}.webp", webp, pixels, 0, "WEBP")
        jpeg = saved(pixels, "JPEG", quality=100, subsampling=0)
        yield OddFile(f"{height}x{width}.jpg", jpeg, pixels, 2, "JPEG")
        gif = saved(pixels[..., 0], "GIF")
        yield OddFile(f"{height}x{width}.gif", gif, _three(pixels[..., 0]), 0, "GIF")


def _wrong_names() -> Iterator[OddFile]:
    photo = letter()
    names = {"PNG": "photo.jpg", "TIFF": "photo.png", "BMP": "photo", "GIF": "p.webp"}
    for kind, name in names.items():
        grey = photo[..., 0]
        data = saved(grey if kind == "GIF" else photo, kind)
        pixels = _three(grey) if kind == "GIF" else photo
        yield OddFile(name, data, pixels, 0, kind)
