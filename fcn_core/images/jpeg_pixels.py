"""Pixels of a JPEG, or why there are none: decided by its blocks alone.

The strict decoder stops at the first warning. Most files have none. Of the others only
what pixels need is tried again: if every block comes out of that, and nothing but
filler or another program's data is left over, the photo is good.
"""

import re
from functools import partial
from typing import Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from fcn_core.bad_image import BadImage
from fcn_core.images.colours import jpeg_cmyk_to_rgb
from fcn_core.images.jpeg_plain import PlainJpeg, plain_jpeg
from fcn_core.images.leftovers import is_whole_scan, without_filler
from fcn_core.images.limits import Header

_MAX_WORK: Final = 4_000_000_000
"""What understanding a fault may cost: pixels times scans, and bytes, weighted."""
_WORK_OF_BYTE: Final = 12
"""Pixels of a scan that say nothing cost as much as one byte of data."""
_READ_AHEAD: Final = 16
"""Bytes that the decoder may have taken without needing them, stuffing included."""
_LEFT_OVER: Final = re.compile(r"(\d+) extraneous bytes before marker 0x")
_FILLERS: Final = ((2, 0), (1, 0), (2, 1))
"""From how many zeros on they are filler, and how many of them are kept."""


class RareSampling(Exception):
    """Sampling factors for which the strict decoder has no name."""


def decode_jpeg(data: bytes, header: Header, *, factor: int) -> NDArray[np.uint8]:
    """Returns uint8 `[h, w, 3]` RGB, not turned.

    Args:
        data: The file.
        header: What `read_jpeg` says of it.
        factor: 1, 2, 4 or 8: how much smaller it is decoded.

    Raises:
        BadImage: `bad-header`, `corrupt`, `corrupt-strict`, `unsupported-variant` or
            `out-of-memory`.
        RareSampling: Another decoder is needed.
    """
    decoder = _Decoder(header, factor)
    try:
        pixels = decoder.decode(data)
    except _Fault as fault:
        pixels = _decode_plain(plain_jpeg(data), decoder, fault)
    return jpeg_cmyk_to_rgb(pixels) if header.components == 4 else pixels


class _Fault(Exception):
    """The strict decoder's first warning."""


class _Decoder:
    """The strict decoder, for one photo's size, with a budget of work."""

    def __init__(self, header: Header, factor: int) -> None:
        self._header = header
        self._factor = factor
        self._left = _MAX_WORK

    def decode(self, data: bytes, *, factor: int | None = None) -> NDArray[np.uint8]:
        """Returns the decoder's pixels.

        Raises:
            _Fault: There was a warning.
        """
        header = self._header
        factor = self._factor if factor is None else factor
        options: dict[str, int] = {}
        if factor > 1:
            options = {
                "min_height": -(-header.height // factor),
                "min_width": -(-header.width // factor),
                "min_factor": factor,
            }
        colours = "CMYK" if header.components == 4 else "RGB"
        try:
            # What is about to be allocated must be what the limits were asked for.
            declared = simplejpeg.decode_jpeg_header(data)[:2]
            if declared != (header.height, header.width):
                raise BadImage("bad-header", "the JPEG declares two different sizes")
            return simplejpeg.decode_jpeg(data, colours, strict=True, **options)
        except MemoryError:
            raise BadImage("out-of-memory", "no memory for the JPEG's pixels") from None
        except KeyError:
            raise RareSampling from None
        except ValueError as error:
            if "subsampling" in str(error):
                raise RareSampling from None
            raise _Fault(str(error)) from None

    def accepts(self, plain: PlainJpeg) -> bool:
        """Returns whether there is no warning, decoding as little as possible.

        Raises:
            BadImage: `corrupt-strict`: understanding this file costs too much.
        """
        header, data = self._header, plain.as_bytes()
        self._left -= header.height * header.width * header.scans
        self._left -= _WORK_OF_BYTE * len(data)
        if self._left < 0:
            raise BadImage(
                "corrupt-strict",
                "the JPEG has faults, and is too large to tell whether they show: "
                "save it anew",
            )
        try:
            self.decode(data, factor=8)
        except _Fault:
            return False
        return True


def _decode_plain(
    plain: PlainJpeg, decoder: _Decoder, fault: _Fault
) -> NDArray[np.uint8]:
    """Decodes what pixels need of a file of which the decoder warned."""
    if not plain.parts:
        raise _damaged(fault) from None
    if not plain.has_end and (not plain.is_whole or plain.is_arithmetic):
        raise _ends_early() from None
    try:
        pixels = decoder.decode(plain.as_bytes())
    except _Fault as left:
        if "nsupported" in str(left):
            detail = f"{left}: save it as a baseline JPEG"
            raise BadImage("unsupported-variant", detail) from None
        found = _LEFT_OVER.search(str(left))
        if found is None or plain.is_arithmetic:
            raise _ends_early() if not plain.has_end else _damaged(left) from None
        return _without_leftovers(plain, decoder, int(found[1]))
    return pixels if plain.has_end else _without_rest(plain, decoder, 0)


def _without_leftovers(
    plain: PlainJpeg, decoder: _Decoder, left_over: int
) -> NDArray[np.uint8]:
    """Decodes a picture that has all its blocks, and bytes that belong to none."""
    for shortest, kept in _FILLERS:
        tidy = plain.with_data(partial(without_filler, shortest=shortest, kept=kept))
        if tidy != plain and decoder.accepts(tidy):
            return _without_rest(tidy, decoder, 0)
    return _without_rest(plain, decoder, left_over)


def _without_rest(
    plain: PlainJpeg, decoder: _Decoder, left_over: int
) -> NDArray[np.uint8]:
    """Decodes a picture without what follows its last block.

    Args:
        plain: The picture.
        decoder: Decodes it.
        left_over: Bytes at its end that the decoder did not take.

    Raises:
        BadImage: `corrupt-strict`: these bytes may be the picture's.
    """
    coded = plain.parts[-1]
    most = len(coded) - left_over
    # With other bytes behind the last block the decoder takes fewer ahead, and what it
    # does not take is too much again.
    for enough in range(most, max(-1, most - _READ_AHEAD), -1):
        if decoder.accepts(plain.with_last_data(coded[:enough])):
            break
    else:
        raise _left_over(left_over)
    too_few = max(-1, most - _READ_AHEAD)
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        if decoder.accepts(plain.with_last_data(coded[:middle])):
            enough = middle
        else:
            too_few = middle
    if not is_whole_scan(coded[:enough], coded[enough:]):
        raise _left_over(len(coded) - enough)
    return decoder.decode(plain.with_last_data(coded[:enough]).as_bytes())


def _left_over(number: int) -> BadImage:
    return BadImage(
        "corrupt-strict",
        f"the JPEG has {number} bytes more than its blocks need, "
        "which happens when some are damaged: check it, and save it anew",
    )


def _damaged(fault: _Fault) -> BadImage:
    return BadImage("corrupt", f"{fault}: upload it again")


def _ends_early() -> BadImage:
    return BadImage("corrupt", "the JPEG ends before its picture: upload it again")
