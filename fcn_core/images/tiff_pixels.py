"""A TIFF to RGB pixels: its own reading of samples, so that nothing is guessed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core.bad_image import BadImage
from fcn_core.images import tiff_layout as kinds
from fcn_core.images.colours import to_rgb
from fcn_core.images.tiff import photo_page
from fcn_core.images.tiff_blocks import unpack_blocks
from fcn_core.images.tiff_layout import Layout, read_layout

_COLOUR_MAP: Final = 320
_AT_ONCE: Final = 2**20


def decode_tiff(data: bytes) -> NDArray[np.uint8]:
    """Decodes the photo of a TIFF, not turned.

    Returns:
        uint8 `[h, w, 3]` RGB, laid over white.

    Raises:
        BadImage: `unsupported-variant`, `corrupt` or `out-of-memory`.
    """
    try:
        layout = read_layout(photo_page(data))
        return _colours(layout, _samples(layout, data))
    except MemoryError:
        raise BadImage("out-of-memory", "no memory for the TIFF's pixels") from None


def _samples(layout: Layout, data: bytes) -> NDArray[np.uint8]:
    """Returns uint8 `[h, w, n]`: colours and alpha of 8 bits, or palette indices."""
    kept = layout.colours + (layout.alpha != kinds.NO_ALPHA)
    samples = np.empty((layout.height, layout.width, kept), np.uint8)
    below, beside = layout.grid
    height, width = layout.block
    written = 0
    for number, content in unpack_blocks(layout, data):
        plane, place = divmod(number, below * beside)
        if plane >= kept:
            break
        part = slice(plane, plane + 1) if layout.planes > 1 else slice(0, kept)
        row, column = place // beside * height, place % beside * width
        target = samples[row : row + height, column : column + width, part]
        step = max(1, _AT_ONCE // (width * layout.together))
        for top in range(0, target.shape[0], step):
            rows = target[top : top + step]
            found = _eight_bits(layout, content[top : top + len(rows)])
            rows[:] = found[:, : rows.shape[1], : rows.shape[2]]
        written += target.size
    if written != samples.size:
        raise BadImage("corrupt", "a TIFF without some of its pixels: upload it again")
    return samples


def _eight_bits(layout: Layout, content: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns uint8 `[rows, width, n]` of packed rows; a palette's indices stay."""
    bits = layout.bits
    shape = (len(content), layout.block[1], layout.together)
    if bits == 8:
        bytewise = content.reshape(shape)
        if layout.predicted:
            return np.add.accumulate(bytewise, axis=1, dtype=np.uint8)
        return bytewise
    values = _unpacked(layout, np.ascontiguousarray(content)).reshape(shape)
    if layout.predicted:
        values = np.add.accumulate(values, axis=1, dtype=np.uint16)
    if layout.photometric == kinds.PALETTE:
        return values.astype(np.uint8)
    if bits == 16 and (layout.colours > 1 or layout.alpha):
        return (values >> 8).astype(np.uint8)  # as PNGs of 16 bits
    most = 2**bits - 1
    return ((values.astype(np.uint32) * 255 + most // 2) // most).astype(np.uint8)


def _unpacked(layout: Layout, content: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Returns uint16 `[rows, width * n]` of samples that are not 8 bits long."""
    bits = layout.bits
    if bits == 16:
        return content.view(layout.page.order + "u2").astype(np.uint16)
    count = layout.block[1] * layout.together
    # The first sample is in the highest bits, whatever the byte order.
    digits = np.unpackbits(content, axis=1, count=count * bits)
    digits = digits.reshape(len(content), count, bits)
    weights = 2 ** np.arange(bits - 1, -1, -1, dtype=np.uint16)
    return (digits * weights).sum(axis=2, dtype=np.uint16)


def _colours(layout: Layout, samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns uint8 `[h, w, 3]` RGB over white."""
    kind = layout.photometric
    if kind == kinds.PALETTE:
        colours = _colour_map(layout)[samples[..., 0]]
        if not layout.alpha:
            return colours
        samples = np.dstack([colours, samples[..., 1:]])
    elif kind == kinds.WHITE_IS_ZERO:
        samples[..., 0] = 255 - samples[..., 0]
    if kind in (kinds.WHITE_IS_ZERO, kinds.BLACK_IS_ZERO):
        samples = np.repeat(samples, [3, *[1] * (samples.shape[2] - 1)], axis=2)
    if not layout.alpha and kind in (kinds.CMYK, kinds.LAB):
        mode = "CMYK" if kind == kinds.CMYK else "LAB"
        return np.array(to_rgb(_image(samples, mode, mode)))
    if not layout.alpha:
        return samples
    stored = "RGBa" if layout.alpha == kinds.PREMULTIPLIED else "RGBA"
    return np.array(to_rgb(_image(samples, "RGBA", stored)))


def _image(samples: NDArray[np.uint8], mode: str, stored: str) -> Image.Image:
    height, width = samples.shape[:2]
    return Image.frombuffer(mode, (width, height), samples, "raw", stored, 0, 1)


def _colour_map(layout: Layout) -> NDArray[np.uint8]:
    """Returns uint8 `[2**bits, 3]` RGB."""
    count = 3 * 2**layout.bits
    values = np.array(layout.page.numbers(_COLOUR_MAP, count), np.uint16)
    if len(values) < count:
        raise BadImage("corrupt", "a TIFF without its palette: upload it again")
    # Some programs write 8 bits where the format asks for 16.
    wide = values if values.max() < 256 else values >> 8
    return np.ascontiguousarray(wide.astype(np.uint8).reshape(3, -1).T)
