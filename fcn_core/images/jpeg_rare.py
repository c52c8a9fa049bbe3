"""JPEGs for whose sampling factors the strict decoder has no name.

The decoder that reads them never warns. So it is asked several times, with other bytes
behind the coded data: where they change a pixel, data are missing; where as much is
decoded without the last bytes, some are left over.
"""

import zlib
from collections.abc import Callable
from functools import partial
from typing import Final

from numpy import uint8
from numpy.typing import NDArray

from fcn_core.bad_image import BadImage
from fcn_core.images.jpeg_plain import PlainJpeg, plain_jpeg
from fcn_core.images.leftovers import is_whole_scan
from fcn_core.images.limits import Header

_FILLERS: Final = (b"\x5a" * 24, b"\xa5" * 24)
_ONE_SCAN: Final = 2
"""Parts of a JPEG that has no more."""
_MOST_WORK: Final = 250_000_000
"""Pixels that are decoded to understand one file."""

_Decode = Callable[[bytes], NDArray[uint8]]


def decode_rare_sampling(
    data: bytes, header: Header, decode: _Decode
) -> NDArray[uint8]:
    """Returns the pixels of a JPEG, or why there are none.

    Args:
        data: A file that `read_jpeg` has accepted.
        header: What that says of it.
        decode: A decoder that does not warn.

    Raises:
        BadImage: `corrupt` or `corrupt-strict`, and the decoder's reasons.
    """
    plain = plain_jpeg(data)
    if plain.is_arithmetic:
        raise BadImage(
            "unsupported-variant",
            "a JPEG of rare sampling factors and coding: save it as a baseline JPEG",
        )
    if not plain.parts or not (plain.has_end or plain.is_whole):
        raise _ends_early()
    pixels = coded_pixels = decode(plain.as_bytes())
    if len(plain.parts) == _ONE_SCAN:
        plain = plain.with_size(*_whole_units(header))
        coded_pixels = decode(plain.as_bytes())
    trial = _Trial(coded_pixels, decode)
    if not trial.is_enough(plain):
        raise _ends_early()
    coded = plain.parts[-1]
    enough = _needed(plain, trial)
    if not is_whole_scan(coded[:enough], coded[enough:]):
        raise BadImage(
            "corrupt-strict",
            f"the JPEG has {len(coded) - enough} bytes more than its blocks need, "
            "which happens when some are damaged: check it, and save it anew",
        )
    return pixels


def _whole_units(header: Header) -> tuple[int, int]:
    """Returns height and width with all that is coded, beyond the picture's edges too.

    A scan of all components holds whole units; what is lost of the last ones shows in
    no pixel of the picture.
    """
    down, across = header.unit
    return -(-header.height // down) * down, -(-header.width // across) * across


class _Trial:
    """Decodes a picture again and again, with a budget of work."""

    def __init__(self, pixels: NDArray[uint8], decode: _Decode):
        self._decode = decode
        self._expected = zlib.crc32(pixels.data)
        self._cost = pixels.shape[0] * pixels.shape[1]
        self._left = _MOST_WORK - self._cost

    def is_enough(self, plain: PlainJpeg) -> bool:
        """Returns whether the coded data alone, whatever follows, give the pixels."""
        for filler in _FILLERS:
            self._left -= self._cost
            if self._left < 0:
                raise BadImage(
                    "corrupt-strict",
                    "the JPEG has faults or rare sampling factors, and is too large to "
                    "tell whether they show: save it anew",
                )
            longer = plain.with_data(partial(_followed_by, filler=filler))
            if zlib.crc32(self._decode(longer.as_bytes()).data) != self._expected:
                return False
        return True


def _needed(plain: PlainJpeg, trial: _Trial) -> int:
    """Returns how many bytes of the last scan give the pixels."""
    coded = plain.parts[-1]
    too_few, enough = -1, len(coded)
    tried = enough - 1  # one less is too few for nearly all files
    while enough - too_few > 1:
        if trial.is_enough(plain.with_last_data(coded[:tried])):
            enough = tried
        else:
            too_few = tried
        tried = (enough + too_few) // 2
    return enough


def _followed_by(coded: bytes, *, filler: bytes) -> bytes:
    return coded + filler


def _ends_early() -> BadImage:
    return BadImage("corrupt", "the JPEG ends before its picture: upload it again")
