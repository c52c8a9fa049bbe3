"""One small picture as TIFFs of every kind, packed here bit by bit."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.drawn.image_parts import png_rows
from tests.drawn.odd_file import letter, over_white, three

ROWS_A_STRIP = 20
PALETTE_COLOURS = (np.arange(256 * 3) * 83 % 256).astype(np.uint8).reshape(-1, 3)


class TiffKind(NamedTuple):
    """What a TIFF's tags say.

    Attributes:
        photometric: Tag 262.
        bits: Of each sample.
        alpha: The extra sample (tag 338), or None.
        packing: Compression (tag 259).
        planes: Planar configuration (tag 284).
        order: "<" or ">".
        predictor: Tag 317.
        form: Sample format (tag 339).
    """

    photometric: int
    bits: int
    alpha: int | None = None
    packing: int = 1
    planes: int = 1
    order: str = "<"
    predictor: int = 1
    form: int = 1


def colour_samples(photometric: int) -> int:
    return {0: 1, 1: 1, 3: 1, 4: 1, 5: 4, 32844: 1}.get(photometric, 3)


def draw(kind: TiffKind, *, tile: int = 0) -> tuple[bytes, NDArray[np.uint8]]:
    """Returns a TIFF in strips of 20 rows or in square tiles, and its right pixels."""
    stored, seen = _samples(kind)
    height, width, count = stored.shape
    strip = {278: (4, [ROWS_A_STRIP]), 273: (4, []), 279: (4, [])}
    tiles = {322: (4, [tile]), 323: (4, [tile]), 324: (4, []), 325: (4, [])}
    tags: dict[int, tuple[int, list[int]]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [kind.bits] * count),
        259: (3, [kind.packing]),
        262: (3, [kind.photometric]),
        277: (3, [count]),
        284: (3, [kind.planes]),
        317: (3, [kind.predictor]),
        339: (3, [kind.form] * count),
        **(tiles if tile else strip),
    }
    if kind.alpha is not None:
        tags[338] = (3, [kind.alpha])
    if kind.photometric == 3:
        colours = PALETTE_COLOURS[: 2**kind.bits].T.ravel().astype(int) * 257
        tags[320] = (3, list(colours))
    parts = [stored]
    if kind.planes == 2:
        parts = [stored[..., number : number + 1] for number in range(count)]
    cut = _tiles if tile else _strips
    blocks = [_pack(kind, block) for part in parts for block in cut(part, tile)]
    return assemble(tags, blocks, order=kind.order), seen


def assemble(
    tags: dict[int, tuple[int, list[int]]], blocks: list[bytes], *, order: str = "<"
) -> bytes:
    """Returns a TIFF: header, directory, long values, blocks; fills in their places."""
    starts, sizes = (324, 325) if 324 in tags else (273, 279)
    count = len(blocks)
    tags = tags | {starts: (4, [0] * count), sizes: (4, [len(b) for b in blocks])}
    form = {3: "H", 4: "I"}
    behind = 8 + 2 + 12 * len(tags) + 4
    long = sum(
        struct.calcsize(form[kind]) * len(values)
        for kind, values in tags.values()
        if struct.calcsize(form[kind]) * len(values) > 4
    )
    ends = np.cumsum([behind + long, *map(len, blocks)])
    tags[starts] = (4, [int(end) for end in ends[:-1]])
    directory, far = struct.pack(order + "H", len(tags)), b""
    for tag, (kind, values) in sorted(tags.items()):
        content = struct.pack(f"{order}{len(values)}{form[kind]}", *values)
        if len(content) > 4:
            place = struct.pack(order + "I", behind + len(far))
            far, content = far + content, place
        directory += struct.pack(order + "HHI", tag, kind, len(values))
        directory += content.ljust(4, b"\0")
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    return head + directory + bytes(4) + far + b"".join(blocks)


def _samples(kind: TiffKind) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Returns the samples as they are stored, and what a reader has to show."""
    card = letter().astype(np.int64)
    most = 2 ** min(kind.bits, 16) - 1
    if kind.photometric in (0, 1, 4, 32844):
        stored = card[..., :1] * most // 255
        seen = three(np.rint(stored[..., 0] * 255 / most))
        if kind.photometric == 0:
            stored = most - stored
    elif kind.photometric == 3:
        stored = card[..., :1] * min(most, 255) // 255
        seen = PALETTE_COLOURS[stored[..., 0]]
    elif kind.photometric == 5:
        inks = np.dstack([255 - card, np.zeros(card.shape[:2], np.int64)])
        stored, seen = inks * most // 255, card.astype(np.uint8)
    elif kind.photometric == 8:
        stored = card * [1, 0, 0]  # only lightness
        seen = three(_grey_of_lightness(card[..., 0] / 255))
    else:
        stored, seen = card * most // 255, card.astype(np.uint8)
    if kind.alpha is None:
        return stored, seen
    alpha = np.indices(card.shape[:2])[1] * most // (card.shape[1] - 1)
    if kind.alpha == 1:
        stored = stored * alpha[..., None] // most
    if kind.alpha:
        seen = over_white(seen, alpha * 255 / most)
    return np.dstack([stored, alpha]), seen


def _grey_of_lightness(lightness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns sRGB 0..255 of CIE lightness 0..1 (without its linear start)."""
    linear = np.where(
        lightness > 0.08, ((lightness + 0.16) / 1.16) ** 3, lightness * 100 / 903.3
    )
    curve = 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return np.rint(255 * np.where(linear > 0.0031308, curve, linear * 12.92))


def _strips(part: NDArray[np.int64], _: int) -> list[NDArray[np.int64]]:
    return [part[row : row + ROWS_A_STRIP] for row in range(0, 48, ROWS_A_STRIP)]


def _tiles(part: NDArray[np.int64], tile: int) -> list[NDArray[np.int64]]:
    height, width = part.shape[:2]
    right, bottom = -width % tile, -height % tile
    part = np.pad(part, ((0, bottom), (0, right), (0, 0)), constant_values=1)
    return [
        part[row : row + tile, column : column + tile]
        for row in range(0, height, tile)
        for column in range(0, width, tile)
    ]


def _pack(kind: TiffKind, block: NDArray[np.int64]) -> bytes:
    if kind.packing in (2, 3, 4):
        name = {2: "tiff_ccitt", 3: "group3", 4: "group4"}[kind.packing]
        return saved_strip(Image.fromarray(block[..., 0] > 0), compression=name)
    if kind.packing == 7:
        return _jpeg(block.astype(np.uint8), kind.photometric)
    if kind.predictor == 2:
        block = np.diff(block, axis=1, prepend=0) & 2**kind.bits - 1
    if kind.bits in (1, 2, 4, 8):
        rows = png_rows(block, bits=kind.bits)
        length = len(rows) // len(block)
        raw = b"".join(rows[at + 1 : at + length] for at in range(0, len(rows), length))
    elif kind.bits in (16, 32):
        raw = block.astype(f"{kind.order}u{kind.bits // 8}").tobytes()
    else:
        places = np.arange(kind.bits - 1, -1, -1)
        digits = block.reshape(len(block), -1, 1) >> places & 1
        raw = np.packbits(digits.reshape(len(block), -1), axis=1).tobytes()
    return _PACKERS[kind.packing](raw)


def saved_strip(image: Image.Image, **options: object) -> bytes:
    """Returns the only strip that Pillow writes for a picture."""
    file = io.BytesIO()
    image.save(file, "TIFF", strip_size=2**20, tiffinfo={262: 1}, **options)
    with Image.open(file) as tiff:
        (start,), (size,) = tiff.tag_v2[273], tiff.tag_v2[279]  # type: ignore[attr-defined]
    return file.getvalue()[start : start + size]


def lzw(raw: bytes) -> bytes:
    """Returns LZW of single bytes: codes of 9 bits, the table cleared in time."""
    codes = []
    for at in range(0, len(raw), 250):
        codes += [256, *raw[at : at + 250]]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8)


def packbits(raw: bytes) -> bytes:
    """Returns PackBits without any runs."""
    parts = [raw[at : at + 128] for at in range(0, len(raw), 128)]
    return b"".join(bytes([len(part) - 1]) + part for part in parts)


def _jpeg(block: NDArray[np.uint8], photometric: int) -> bytes:
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[block.shape[2]]
    content = 255 - block if mode == "CMYK" else block  # saved the other way round
    image = Image.frombytes(mode, (block.shape[1], block.shape[0]), content.tobytes())
    file = io.BytesIO()
    keep = {"keep_rgb": True} if photometric == 2 else {}
    image.save(file, "JPEG", quality=100, subsampling=0, **keep)
    return file.getvalue()


_PACKERS: dict[int, Callable[[bytes], bytes]] = {
    1: bytes,
    5: lzw,
    8: zlib.compress,
    32946: zlib.compress,
    32773: packbits,
}
