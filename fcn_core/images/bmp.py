"""Which BMPs are decoded: by header, bits and compression, before Pillow sees one."""

import struct
from typing import Final

from fcn_core.bad_image import BadImage
from fcn_core.images.limits import Header

_RUN_LENGTHS: Final = 1
# Compression -> bits a pixel. Runs of 4 bits come out wrong in Pillow.
_READ: Final[dict[int, frozenset[int]]] = {
    0: frozenset({1, 4, 8, 16, 24, 32}),
    _RUN_LENGTHS: frozenset({8}),
    3: frozenset({16, 32}),
    6: frozenset({16, 32}),
}
_OS2_SIZES: Final = frozenset({12, 16, 64})
# Runs are decoded by Python: this takes seconds.
_MAX_RUNS: Final = 2**22


def read_bmp(data: bytes) -> Header:
    """Returns the size of a BMP.

    Raises:
        BadImage: `bad-header`, or `unsupported-variant` with the cure.
    """
    if len(data) < 26:
        raise BadImage("bad-header", "a BMP without an information header")
    (size,) = struct.unpack_from("<I", data, 14)
    if size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        return _header((height, width), bits, 0)
    if len(data) < 34:
        raise BadImage("bad-header", "a BMP without an information header")
    width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    compression = struct.unpack_from("<I", data, 30)[0] if size != 16 else 0
    if size in _OS2_SIZES and compression > 1:
        raise _refused(bits, f"OS/2 compression {compression}")
    if compression == _RUN_LENGTHS and len(data) > _MAX_RUNS:
        raise _refused(bits, f"more than {_MAX_RUNS} bytes of run lengths")
    # A negative height means: first row on top.
    return _header((abs(height), max(width, 0)), bits, compression)


def _header(size: tuple[int, int], bits: int, compression: int) -> Header:
    if bits not in _READ.get(compression, ()):
        raise _refused(bits, f"compression {compression}")
    return Header("BMP", *size, bits=bits)


def _refused(bits: int, what: str) -> BadImage:
    return BadImage(
        "unsupported-variant",
        f"a BMP of {bits} bits a pixel, {what}: save it as 24-bit BMP or PNG",
    )
