"""Small TIFFs of bytes, made here to have libtiff unpack blocks of others.

It never learns what the bytes mean, so it cannot mistake them.
"""

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image

from fcn_core.bad_image import BadImage

PACKINGS: Final = {
    2: "tiff_ccitt",
    3: "group3",
    4: "group4",
    5: "tiff_lzw",
    32773: "packbits",
}
"""What Pillow calls the compressions."""
REVERSED: Final = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
"""Each byte with its bits in the other order."""
_DIRECTORY: Final = 8


def small_tiff(blocks: Sequence[bytes], tags: dict[int, int]) -> bytes:
    """Returns a little-endian TIFF of one component in these strips.

    Args:
        blocks: The strips.
        tags: Size, bits, compression and rows a strip.
    """
    sizes = [len(block) for block in blocks]
    tags = tags | {262: 1, 273: 0, 277: 1, 279: 0}
    lists = _DIRECTORY + 2 + 12 * len(tags) + 4
    behind = lists + 8 * len(blocks)
    starts = [behind + int(end) for end in np.cumsum([0, *sizes[:-1]])]
    far = {273: (lists, starts), 279: (lists + 4 * len(blocks), sizes)}
    parts = [struct.pack("<2sHIH", b"II", 42, _DIRECTORY, len(tags))]
    for tag, value in sorted(tags.items()):
        at, values = far.get(tag, (value, [value]))
        inline = values[0] if len(values) == 1 else at
        parts.append(struct.pack("<HHII", tag, 4, len(values), inline))
    parts.append(bytes(4))
    parts.append(struct.pack(f"<{2 * len(blocks)}I", *starts, *sizes))
    return b"".join([*parts, *blocks])


def unpack_small(
    small: bytes, mode: str, size: tuple[int, int], *, packing: int
) -> Image.Image:
    """Returns the picture of a small TIFF.

    Args:
        small: From `small_tiff`.
        mode: "1" or "L".
        size: Width and height.
        packing: Its compression.

    Raises:
        BadImage: `corrupt`, or `out-of-memory`.
    """
    options = (mode, PACKINGS[packing], False, _DIRECTORY)
    try:
        return Image.frombytes(mode, size, small, "libtiff", options)
    except MemoryError:
        raise BadImage("out-of-memory", "no memory for the TIFF's pixels") from None
    except (OSError, ValueError):
        raise ends_early() from None


def ends_early() -> BadImage:
    """Returns what to raise where a block has not all of its rows."""
    return BadImage(
        "corrupt", "a TIFF strip or tile that ends before its rows: upload it again"
    )
