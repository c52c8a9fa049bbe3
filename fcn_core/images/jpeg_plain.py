"""A JPEG without what its pixels do not need, so that a strict decoder judges pixels.

libjpeg warns of stray bytes, odd application segments and missing end markers just as
it does of damaged blocks. Here only tables, frame, scans and what names the colour
space are kept, written anew, and followed by an end marker.
"""

import dataclasses
import re
import struct
from collections.abc import Callable
from typing import Final

from fcn_core.images.jpeg import (
    APP0,
    APP14,
    APPLICATION,
    ARITHMETIC,
    DRI,
    EOI,
    FRAMES,
    MARKER,
    MARKER_AFTER_SCAN,
    MAX_SEGMENTS,
    SEQUENTIAL,
    SOS,
    segments,
)

_JFIF: Final = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
_TABLES: Final = frozenset({0xC4, 0xCC, 0xDB, DRI})
_BETWEEN_SCANS: Final = _TABLES | APPLICATION | {SOS}
_WHOLE_SPECTRUM: Final = b"\0\x3f\0"
_RESTART: Final = re.compile(rb"(\xff[\xd0-\xd7])")
_LAST_COEFFICIENT: Final = 63


@dataclasses.dataclass(frozen=True, slots=True)
class PlainJpeg:
    """The first picture of a JPEG, as pieces.

    Attributes:
        parts: Headers and the coded data of the scans in turn: a header first, data at
            the odd places.
        has_end: Whether the file has the picture's end marker.
        is_whole: Whether the scans together hold every coefficient.
        is_arithmetic: Whether its coding is one that never tells what is missing.
    """

    parts: tuple[bytes, ...]
    has_end: bool
    is_whole: bool
    is_arithmetic: bool

    def with_data(self, change: Callable[[bytes], bytes]) -> "PlainJpeg":
        """Returns the picture with all data between two markers changed."""
        parts = list(self.parts)
        for place in range(1, len(parts), 2):
            pieces = _RESTART.split(parts[place])
            pieces[::2] = [change(piece) for piece in pieces[::2]]
            parts[place] = b"".join(pieces)
        return dataclasses.replace(self, parts=tuple(parts))

    def with_last_data(self, coded: bytes) -> "PlainJpeg":
        """Returns the picture with other data in its last scan."""
        return dataclasses.replace(self, parts=(*self.parts[:-1], coded))

    def with_size(self, height: int, width: int) -> "PlainJpeg":
        """Returns the picture with another size in its first header."""
        head = self.parts[0]
        for marker, start, _ in segments(head):
            if marker in FRAMES:
                size = struct.pack(">HH", height, width)
                head = head[: start + 1] + size + head[start + 5 :]
                break
        return dataclasses.replace(self, parts=(head, *self.parts[1:]))

    def as_bytes(self) -> bytes:
        """Returns it as a file."""
        return b"".join((*self.parts, b"\xff\xd9"))


def plain_jpeg(data: bytes) -> PlainJpeg:
    """Returns a JPEG's picture without what its pixels do not need.

    Args:
        data: A file that `read_jpeg` has accepted.
    """
    parts: list[bytes] = []
    head = [b"\xff\xd8", _colour_space(data)]
    scans = _Scans()
    has_end = False
    for count, (marker, start, end) in enumerate(segments(data)):
        has_end = marker == EOI
        if has_end or count == MAX_SEGMENTS:
            break
        if parts and marker not in _BETWEEN_SCANS:
            break  # what programs append to a picture
        body = data[start:end]
        if marker in _TABLES or marker in FRAMES:
            head.append(_segment(marker, body))
            scans.see(marker, body)
        elif marker == SOS:
            scans.see(marker, body)
            head.append(_segment(SOS, scans.header(body)))
            stop = scans.end_of_data(data, end)
            parts += [b"".join(head), data[end:stop]]
            head = []
            if scans.is_single:
                has_end = data.startswith(b"\xff\xd9", stop)
                break
    return PlainJpeg(
        tuple(parts),
        has_end=has_end,
        is_whole=scans.are_whole(),
        is_arithmetic=scans.frame in ARITHMETIC,
    )


class _Scans:
    """What the headers seen so far say about the scans."""

    def __init__(self) -> None:
        self.is_single = False
        self.frame = 0
        self._components: tuple[int, ...] = ()
        self._has_restarts = False
        self._missing_bits: dict[tuple[int, int], int] = {}

    def see(self, marker: int, body: bytes) -> None:
        if marker in FRAMES:
            self.frame, self._components = marker, tuple(body[6::3])
        elif marker == DRI:
            self._has_restarts = any(body[:2])
        elif marker == SOS and body:
            components = body[1 : 1 + 2 * body[0] : 2]
            self.is_single = self._is_sequential and len(components) == len(
                self._components
            )
            first, last, bits = self.header(body)[-3:]
            for place in range(first, min(last, _LAST_COEFFICIENT) + 1):
                for component in components:
                    self._missing_bits[component, place] = bits & 15

    def header(self, body: bytes) -> bytes:
        """Returns a scan's header; a sequential one always holds all coefficients."""
        if self._is_sequential and len(body) >= 4:
            return body[:-3] + _WHOLE_SPECTRUM
        return body

    def end_of_data(self, data: bytes, start: int) -> int:
        """Returns where the coded data that start there end."""
        pattern = MARKER_AFTER_SCAN if self._has_restarts else MARKER
        match = pattern.search(data, start)
        return match.start() if match else len(data)

    def are_whole(self) -> bool:
        return all(
            self._missing_bits.get((component, place)) == 0
            for component in self._components
            for place in range(_LAST_COEFFICIENT + 1)
        )

    @property
    def _is_sequential(self) -> bool:
        return self.frame in SEQUENTIAL


def _colour_space(data: bytes) -> bytes:
    """Returns the segments that name a picture's colour space, as libjpeg reads."""
    jfif, adobe = b"", b""
    components = 0
    for count, (marker, start, end) in enumerate(segments(data)):
        if marker in (SOS, EOI) or count == MAX_SEGMENTS:
            break
        body = data[start:end]
        if marker == APP0 and body.startswith(b"JFIF\0") and len(body) >= 14:
            jfif = _JFIF
        elif marker == APP14 and body.startswith(b"Adobe") and len(body) >= 12:
            adobe = body[:12]
        elif marker in FRAMES and len(body) >= 6:
            components = body[5]
    if adobe:
        # An unknown transform counts as the usual one: YCbCr, YCCK.
        transform = adobe[11]
        if transform not in {3: (0, 1), 4: (0, 2)}.get(components, (transform,)):
            transform = components - 2
        adobe = _segment(APP14, adobe[:11] + bytes([transform]))
    return jfif + adobe


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
