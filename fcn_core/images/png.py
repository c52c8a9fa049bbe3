"""PNG files byte by byte: what header and chunks say, and how both are written.

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

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
"""The colour types."""

_BITS: Final = {
    GREY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GREY_ALPHA: (8, 16),
    RGB_ALPHA: (8, 16),
}
_COMPONENTS: Final = {GREY: 1, RGB: 3, PALETTE: 3, GREY_ALPHA: 2, RGB_ALPHA: 4}
_IHDR: Final = struct.Struct(">IIBBBBB")
_IHDR_BODY: Final = 16
_IHDR_END: Final = 33
_COLOUR_TYPE: Final = 9
"""Where a body of IHDR has it."""
_NEEDED: Final = (b"IHDR", b"IDAT", b"IEND")
_FRAME: Final = 12
"""Bytes of a chunk around its body: length, type, checksum."""


class PngError(Exception):
    """A PNG breaks off, fails a checksum or contradicts the standard."""


@dataclasses.dataclass(frozen=True, slots=True)
class PngFile:
    """A whole PNG, every checksum verified.

    Attributes:
        header: Its size and kind.
        chunks: Type and body of each chunk up to the last, in order.
    """

    header: Header
    chunks: tuple[tuple[bytes, bytes], ...]

    @property
    def palette(self) -> bytes | None:
        """The colours, three bytes each; None without exactly one whole palette."""
        palettes = [body for kind, body in self.chunks if kind == b"PLTE"]
        if len(palettes) != 1 or len(palettes[0]) % 3:
            return None
        return palettes[0]

    @property
    def components(self) -> int:
        """How many components a reader gets; a palette counts as its colours.

        Transparency of single colours or palette entries adds one, as alpha does.
        """
        is_transparent = any(kind == b"tRNS" for kind, _ in self.chunks)
        return _COMPONENTS[self.header.colour_type] + is_transparent

    def as_grey(self) -> bytes:
        """Returns the same pixel values as a grey PNG, not compressed anew.

        A palette's indices and grey values are stored alike, so for eight bits only
        the colour type differs; palette and remarks are left out.

        Raises:
            ValueError: It is not an 8-bit palette or grey PNG.
        """
        header = self.header
        if header.colour_type not in (GREY, PALETTE) or header.bits != 8:
            raise ValueError(f"got {header}, expected 8 bits of palette or grey")
        parts = [SIGNATURE]
        for kind, body in self.chunks:
            if kind == b"IHDR":
                body = body[:_COLOUR_TYPE] + bytes([GREY]) + body[_COLOUR_TYPE + 1 :]
            if kind in _NEEDED:
                parts.append(_encode_chunk(kind, body))
        return b"".join(parts)


def read_image_header(data: bytes) -> Header:
    """Returns size and kind of a photo, whose checksums are not looked at yet.

    Raises:
        BadImage: It has no valid header.
    """
    if len(data) < _IHDR_END or data[12:_IHDR_BODY] != b"IHDR":
        raise BadImage("bad-header", "a PNG without an IHDR chunk: upload it again")
    header, methods = _parse_header(data)
    bits, colours = header.bits, header.colour_type
    if bits not in _BITS.get(colours, ()) or methods not in ([0, 0, 0], [0, 0, 1]):
        raise BadImage(
            "bad-header",
            f"a PNG of {bits} bits, colour type {colours}, methods {methods}: "
            "the format has no such kind",
        )
    return header


def read_png(data: bytes) -> PngFile:
    """Returns a PNG's header and chunks, every checksum verified.

    Raises:
        PngError: It is no PNG, cut short, or a checksum does not match.
    """
    header = read_png_header(data)
    return PngFile(header, tuple(png_chunks(data)))


def read_png_header(data: bytes) -> Header:
    """Returns what a PNG's first chunk says, its checksum verified.

    Raises:
        PngError: It is no PNG, or has no whole header.
    """
    kind, body = next(png_chunks(data))
    if kind != b"IHDR" or len(body) < _IHDR.size:
        raise PngError("no whole header in front")
    header, _ = _parse_header(data)
    if header.colour_type not in _COMPONENTS:
        raise PngError(f"colour type {header.colour_type} is none of PNG's")
    return header


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields (type, body) of the chunks up to the last, each checksum verified.

    Raises:
        PngError: It is no PNG, a chunk is cut short or its checksum does not match.
    """
    for kind, frame in frames(data):
        if not is_intact(frame):
            raise PngError(f"the checksum of chunk {kind!a} does not match")
        yield kind, body_of(frame)


def encode_png(
    height: int, width: int, *, colour_type: int, pixels: bytes, palette: bytes = b""
) -> bytes:
    """Returns an 8-bit PNG that is not interlaced.

    Args:
        height: In pixels.
        width: In pixels.
        colour_type: Such as `GREY`.
        pixels: The filtered rows, compressed.
        palette: RGB colours, three bytes each; empty for none.
    """
    header = _IHDR.pack(width, height, 8, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    if palette:
        chunks.insert(1, (b"PLTE", palette))
    return SIGNATURE + b"".join(_encode_chunk(kind, body) for kind, body in chunks)


def frames(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yields type and all bytes of each chunk up to IEND, checksums not looked at.

    Raises:
        PngError: It is no PNG, or ends before that chunk does.
    """
    if not data.startswith(SIGNATURE):
        raise PngError("not a PNG file")
    view, position, kind = memoryview(data), len(SIGNATURE), b""
    while kind != b"IEND":
        end = position + _FRAME + int.from_bytes(data[position : position + 4])
        if len(data) < end:
            raise PngError("the file ends inside a chunk")
        kind = data[position + 4 : position + 8]
        yield kind, view[position:end]
        position = end


def is_intact(frame: memoryview) -> bool:
    """Returns whether a chunk's checksum matches."""
    return zlib.crc32(frame[4:-4]) == int.from_bytes(frame[-4:])


def body_of(frame: memoryview) -> bytes:
    """Returns the content of a chunk."""
    return bytes(frame[8:-4])


def bits_per_pixel(header: Header) -> int:
    """Returns how many bits a pixel has in a PNG's rows."""
    samples = 1 if header.colour_type == PALETTE else _COMPONENTS[header.colour_type]
    return header.bits * samples


def _parse_header(data: bytes) -> tuple[Header, list[int]]:
    """Returns the header and the methods of compression, filter and interlacing."""
    width, height, bits, colours, *methods = _IHDR.unpack_from(data, _IHDR_BODY)
    return Header("PNG", height, width, bits=bits, colour_type=colours), methods


def _encode_chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I4s", len(body), kind) + body + checksum.to_bytes(4)
