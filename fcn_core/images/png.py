"""A PNG's own words: stored size, bit depth, colour type, and its chunks.

Decoders hide these (a palette becomes colours, sixteen bits become eight), but whether
a file is a label, and what a record's bytes are, depends on them. W3C PNG, chapter 11.
"""

import dataclasses
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from fcn_core.bad_image import BadImage
from fcn_core.images.limits import Header

# Grey, RGB, palette, grey with alpha, RGB with alpha.
_PNG_BITS: Final = {
    0: (1, 2, 4, 8, 16),
    2: (8, 16),
    3: (1, 2, 4, 8),
    4: (8, 16),
    6: (8, 16),
}


SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
"""The colour types."""

_COMPONENTS: Final = {GREY: 1, RGB: 3, PALETTE: 3, GREY_ALPHA: 2, RGB_ALPHA: 4}
_IHDR: Final = struct.Struct(">IIBB")
_COLOUR_TYPE: Final = 9
"""Where IHDR has it."""
_NEEDED: Final = (b"IHDR", b"IDAT", b"IEND")
_FRAME: Final = 12
"""Bytes of a chunk around its body: length, type, checksum."""


class PngError(Exception):
    """A PNG breaks off, fails a checksum or contradicts the standard."""


@dataclasses.dataclass(frozen=True, slots=True)
class PngHeader:
    """Size in pixels, bits per component, colour type."""

    height: int
    width: int
    bits: int
    colour_type: int


def read_png_header(data: bytes) -> PngHeader:
    """Returns what a PNG's first chunk says.

    Raises:
        PngError: not a PNG, or no whole header.
    """
    kind, body = next(png_chunks(data), (b"", b""))
    if kind != b"IHDR" or len(body) < _IHDR.size:
        raise PngError("no whole header in front")
    width, height, bits, colour_type = _IHDR.unpack_from(body)
    if colour_type not in _COMPONENTS:
        raise PngError(f"colour type {colour_type} is none of PNG's")
    return PngHeader(height, width, bits, colour_type)


@dataclasses.dataclass(frozen=True, slots=True)
class PngFile:
    """A whole PNG, every checksum verified: its header and its chunks up to the last.

    Chunks are (type, body), in order.
    """

    header: PngHeader
    chunks: tuple[tuple[bytes, bytes], ...]

    @property
    def palette(self) -> bytes | None:
        """The colours, three bytes each; None without exactly one whole palette."""
        palettes = [body for kind, body in self.chunks if kind == b"PLTE"]
        if len(palettes) != 1 or len(palettes[0]) % 3:
            return None
        return palettes[0]

    def as_grey(self) -> bytes:
        """Returns the same pixel values as a grey PNG, not compressed anew.

        A palette's indices and grey values are stored alike, so for eight bits only
        the colour type differs; palette and remarks are left out.

        Raises:
            ValueError: it is not an 8-bit palette or grey PNG.
        """
        header = self.header
        if header.colour_type not in (GREY, PALETTE) or header.bits != 8:
            raise ValueError(f"got {header}, expected 8 bits of palette or grey")
        chunks = [SIGNATURE]
        for kind, body in self.chunks:
            if kind == b"IHDR":
                body = body[:_COLOUR_TYPE] + bytes([GREY]) + body[_COLOUR_TYPE + 1 :]
            if kind in _NEEDED:
                crc = zlib.crc32(body, zlib.crc32(kind))
                chunks += [struct.pack(">I", len(body)), kind, body]
                chunks.append(crc.to_bytes(4))
        return b"".join(chunks)


def read_png(data: bytes) -> PngFile:
    """Returns a PNG's header and chunks.

    Raises:
        PngError: not a PNG, cut short, or a checksum does not match.
    """
    header = read_png_header(data)
    return PngFile(header, tuple(png_chunks(data)))


def components(data: bytes, header: PngHeader) -> int:
    """Returns how many components a reader gets; a palette counts as its colours.

    Transparency of single colours or palette entries adds one, as alpha does.

    Raises:
        PngError: the chunks are damaged.
    """
    count = _COMPONENTS[header.colour_type]
    transparent = any(kind == b"tRNS" for kind, _ in png_chunks(data))
    return count + transparent


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields (type, body) of the chunks up to the last, each checksum verified.

    Raises:
        PngError: not a PNG, a chunk is cut short or its checksum does not match.
    """
    if not data.startswith(SIGNATURE):
        raise PngError("not a PNG file")
    position = len(SIGNATURE)
    kind = b""
    while kind != b"IEND":
        end = position + _FRAME + int.from_bytes(data[position : position + 4])
        if len(data) < max(end, position + _FRAME):
            raise PngError("the file ends inside a chunk")
        kind, body = data[position + 4 : position + 8], data[position + 8 : end - 4]
        crc = zlib.crc32(data[position + 4 : end - 4])
        if crc != int.from_bytes(data[end - 4 : end]):
            raise PngError(f"the checksum of chunk {kind!a} does not match")
        yield kind, body
        position = end


def read_image_header(data: bytes) -> Header:
    """Returns what a PNG says of its size and kind.

    Raises:
        BadImage: It has no valid header.
    """
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise BadImage("bad-header", "a PNG without an IHDR chunk: upload it again")
    width, height, bits, colours, *methods = struct.unpack_from(">IIBBBBB", data, 16)
    if bits not in _PNG_BITS.get(colours, ()) or methods not in ([0, 0, 0], [0, 0, 1]):
        raise BadImage(
            "bad-header",
            f"a PNG of {bits} bits, colour type {colours}, methods {methods}: "
            "the format has no such kind",
        )
    return Header("PNG", height, width, bits=bits)


def check_png_chunks(data: bytes) -> None:
    """Checks that a PNG is whole: every chunk present, checksums of the vital ones.

    Decoders skip the checksums of the pixel data; without them a damaged file may be
    shown with wrong pixels.

    Raises:
        BadImage: corrupt.
    """
    position, end = 8, len(data)
    while position + 12 <= end:
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        stop = position + 12 + length
        if stop > end:
            break
        vital = not kind[0] & 0x20
        if vital and zlib.crc32(
            memoryview(data)[position + 4 : stop - 4]
        ) != int.from_bytes(data[stop - 4 : stop], "big"):
            name = kind.decode("latin-1")
            raise BadImage("corrupt", f"wrong checksum in PNG chunk {name}")
        if kind == b"IEND":
            return
        position = stop
    raise BadImage("corrupt", "the PNG ends before its IEND chunk: upload it again")


def encode_chunk(kind: bytes, content: bytes) -> bytes:
    """Returns a PNG chunk with its length and checksum."""
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return (
        struct.pack(">I4s", len(content), kind) + content + checksum.to_bytes(4, "big")
    )
