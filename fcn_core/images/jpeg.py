"""Frame, scans and orientation of a JPEG (ITU-T T.81, annex B), without decoding it.

Goes from marker to marker exactly as libjpeg does, so that what is counted here is what
is decoded there. The work is bounded whatever the bytes are.
"""

import functools
import re
import struct
from collections.abc import Iterator
from typing import Final

from fcn_core.bad_image import BadImage
from fcn_core.images.limits import Header
from fcn_core.images.tiff import exif_orientation

MAX_SEGMENTS: Final = 4096
_BLOCK: Final = 8
# Fill bytes (FF FF) and stuffed bytes (FF 00) are no markers.
MARKER: Final = re.compile(rb"\xff[^\x00\xff]")
# After a scan, restart markers belong to its data.
MARKER_AFTER_SCAN: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_BARE_MARKERS: Final = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})
SOS: Final = 0xDA
EOI: Final = 0xD9
_WITH_LENGTH: Final = frozenset(range(1, 0xFF)) - _BARE_MARKERS - {EOI}
APP0: Final = 0xE0
_APP1: Final = 0xE1
APP14: Final = 0xEE
DRI: Final = 0xDD
DQT: Final = 0xDB
APPLICATION: Final = frozenset({*range(0xE0, 0xF0), 0xFE})
"""Segments of programs and remarks, which no pixel needs."""
FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Baseline, extended, progressive, and the last two with arithmetic coding.
_DECODABLE_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
PROGRESSIVE: Final = frozenset({0xC2, 0xCA})
SEQUENTIAL: Final = _DECODABLE_FRAMES - PROGRESSIVE
ARITHMETIC: Final = frozenset({0xC9, 0xCA})


def read_jpeg(data: bytes) -> Header:
    """Reads size, components, number of scans and EXIF orientation of a JPEG.

    Raises:
        BadImage: `bad-header` or `unsupported-variant`.
    """
    frame: tuple[int, int, int, int, int] | None = None
    orientation, sampling = 1, b""
    seen: list[tuple[int, int, int]] = []
    for segment in segments(data):
        marker, start, end = segment
        seen.append(segment)
        if len(seen) > MAX_SEGMENTS:
            raise BadImage(
                "bad-header", f"more than {MAX_SEGMENTS} JPEG segments before a scan"
            )
        if marker in FRAMES and frame is None and end - start >= 6:
            frame = (marker, *struct.unpack_from(">BHHB", data, start))
            sampling = data[start + 7 : end : 3]
        elif marker == _APP1 and data.startswith(b"Exif\0\0", start):
            if orientation == 1:
                orientation = exif_orientation(data[start:end])
        elif marker == SOS and frame is not None and start < end:
            return _jpeg_header(
                data,
                frame,
                orientation=orientation,
                sampling=sampling,
                seen=tuple(seen),
            )
    raise BadImage("bad-header", "a JPEG without a frame and a scan: upload it again")


def _jpeg_header(
    data: bytes,
    frame: tuple[int, int, int, int, int],
    *,
    orientation: int,
    sampling: bytes,
    seen: tuple[tuple[int, int, int], ...],
) -> Header:
    marker, precision, height, width, components = frame
    if marker not in _DECODABLE_FRAMES or precision != 8 or components not in (1, 3, 4):
        raise BadImage(
            "unsupported-variant",
            f"JPEG process {marker - 0xC0}, {precision} bits, {components} components, "
            "expected 8-bit baseline or progressive with 1, 3 or 4: save it as one",
        )
    # One scan that holds all components of a sequential JPEG cannot be followed by
    # another; libjpeg refuses it. So ordinary photos need no search.
    many = marker in PROGRESSIVE or data[seen[-1][1]] < components
    scans = _count_scans(data) if many else 1
    return Header(
        "JPEG",
        height,
        width,
        orientation=orientation,
        components=components,
        scans=scans,
        coefficients=_coefficients(height * width, sampling) if many else 0,
        is_arithmetic=marker in ARITHMETIC,
        unit=_unit(sampling),
        segments=seen,
    )


@functools.lru_cache(maxsize=64)  # of few kinds
def _unit(sampling: bytes) -> tuple[int, int]:
    """Returns height and width of what a scan of all components codes at a time."""
    if len(sampling) == 1:
        return _BLOCK, _BLOCK  # whatever its factors are
    down = max(value & 15 for value in sampling)
    across = max(value >> 4 for value in sampling)
    return _BLOCK * down, _BLOCK * across


def _coefficients(pixels: int, sampling: bytes) -> int:
    """Returns about how many there are, all components together."""
    across = max((value >> 4 for value in sampling), default=1)
    down = max((value & 15 for value in sampling), default=1)
    blocks = sum((value >> 4) * (value & 15) for value in sampling)
    return pixels * blocks // max(across * down, 1)


def _count_scans(data: bytes) -> int:
    # Counting FF DA in all bytes would also count thumbnails, and by chance a few in
    # the films that phones append to their photos.
    scans = 0
    for count, (marker, _, _) in enumerate(segments(data)):
        scans += marker == SOS
        if count == MAX_SEGMENTS:
            return MAX_SEGMENTS
    return scans


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yields marker, start and end of each segment's content, up to the end marker.

    Thumbnails inside segments are skipped with their segment.
    """
    position = 2
    pattern = MARKER
    last = len(data) - 4
    while True:
        # Nearly always the next segment is right here, which is asked fast.
        if (
            position <= last
            and data[position] == 0xFF
            and data[position + 1] in _WITH_LENGTH
        ):
            marker = data[position + 1]
            position += 2
        elif match := pattern.search(data, position):
            marker, position = data[match.end() - 1], match.end()
        else:
            return
        pattern = MARKER
        if marker in _BARE_MARKERS:
            continue
        if marker == EOI:
            yield marker, position, position
            return
        end = position + int.from_bytes(data[position : position + 2], "big")
        if end < position + 2 and marker in APPLICATION:
            end = position + 2  # as libjpeg does with a length that cannot be
        if end < position + 2 or end > len(data):
            return
        yield marker, position + 2, end
        position = end
        if marker == SOS:
            pattern = MARKER_AFTER_SCAN
