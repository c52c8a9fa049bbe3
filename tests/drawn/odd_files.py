"""Odd but good files: images that must decode, each with the pixels it must give.

The pixels are computed here with plain array arithmetic from the samples that are
stored, so they do not depend on the decoder that is tested.
"""

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.drawn import image_parts, odd_samples
from tests.drawn.odd_file import OddFile, letter, saved, three


def generate() -> list[OddFile]:
    """Returns odd files of all forms; the same list every time."""
    return [
        *_turned(),
        *odd_samples.grey(),
        *odd_samples.palettes(),
        *odd_samples.transparent(),
        *odd_samples.deep_colours(),
        *_jpegs(),
        *_libraries_formats(),
        *_tiffs(),
        *_tiny(),
        *_wrong_names(),
    ]


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
    yield OddFile("grey.jpg", grey, three(photo[..., 0]), 1, "JPEG")
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
    yield OddFile("grey.bmp", saved(grey, "BMP"), three(grey), 0, "BMP")
    black_white = grey > 100
    one_bit = three(np.where(black_white, 255, 0))
    yield OddFile("1bit.bmp", saved(black_white, "BMP"), one_bit, 0, "BMP")
    rows = photo[:, :, ::-1].tobytes()
    top_down = image_parts.bmp_header(-48, 32) + rows
    yield OddFile("top-down.bmp", top_down, photo, 0, "BMP")
    yield OddFile("plain.webp", saved(photo, "WEBP", quality=95), photo, 40, "WEBP")
    gif = saved(grey, "GIF")
    yield OddFile("grey.gif", gif, three(grey), 0, "GIF")
    others = [Image.fromarray(255 - grey), Image.fromarray(grey // 2)]
    frames = {"save_all": True, "append_images": others}
    yield OddFile("film.gif", saved(grey, "GIF", **frames), three(grey), 0, "GIF")
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
    yield OddFile("transparent.gif", gif, three(clear), 0, "GIF")


def _tiffs() -> Iterator[OddFile]:
    photo = letter()
    for packing in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        tiff = saved(photo, "TIFF", compression=packing)
        yield OddFile(f"{packing}.tif", tiff, photo, 0, "TIFF")
    tiff = saved(photo, "TIFF", compression="jpeg", quality=100)
    yield OddFile("jpeg.tif", tiff, photo, 12, "TIFF")
    black_white = photo[..., 1] > 100
    one_bit = three(np.where(black_white, 255, 0))
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
    yield OddFile("white-is-zero.tif", tiff, three(photo[..., 0]), 0, "TIFF")
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
        yield OddFile(f"{height}x{width}.gif", gif, three(pixels[..., 0]), 0, "GIF")


def _wrong_names() -> Iterator[OddFile]:
    photo = letter()
    names = {"PNG": "photo.jpg", "TIFF": "photo.png", "BMP": "photo", "GIF": "p.webp"}
    for kind, name in names.items():
        grey = photo[..., 0]
        data = saved(grey if kind == "GIF" else photo, kind)
        pixels = three(grey) if kind == "GIF" else photo
        yield OddFile(name, data, pixels, 0, kind)
