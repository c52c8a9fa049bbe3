"""What the samples of a TIFF are and where they lie: checked before any is read.

The table of what is decoded is here. A TIFF can declare almost anything, and decoders
show what they do not know as if it were something else, so nothing outside the table is
decoded.
"""

from dataclasses import dataclass
from typing import Final

from fcn_core.bad_image import BadImage
from fcn_core.images.tiff import COMPRESSION, PHOTOMETRIC, Page

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
"""The photometric interpretations that are read."""
NONE, LZW, JPEG, PACKBITS = 1, 5, 7, 32773
CCITT: Final = frozenset({2, 3, 4})
DEFLATE: Final = frozenset({8, 32946})
NO_ALPHA, PREMULTIPLIED, STRAIGHT = 0, 1, 2
"""What the first extra sample is; `NO_ALPHA` also without one."""

_MAX_SAMPLES: Final = 16
_MAX_BLOCK: Final = 192 * 2**20
_MAX_BLOCKS: Final = 2**18
# These cost a tenth of a millisecond each, however small they are.
_MAX_BLOCKS_OF: Final = {JPEG: 2**16, **dict.fromkeys(CCITT, 2**14)}
# Strips may share bytes; but each is unpacked for itself.
_MAX_SHARING: Final = 4
_GREYS: Final = frozenset({1, 2, 4, 8, 10, 12, 14, 16})
# Photometric -> colour samples, bits a sample.
_READ: Final[dict[int, tuple[int, frozenset[int]]]] = {
    WHITE_IS_ZERO: (1, _GREYS),
    BLACK_IS_ZERO: (1, _GREYS),
    RGB: (3, frozenset({8, 10, 12, 14, 16})),
    PALETTE: (1, frozenset({1, 2, 4, 8})),
    CMYK: (4, frozenset({8, 16})),
    YCBCR: (3, frozenset({8})),
    LAB: (3, frozenset({8})),
}
_ALPHAS: Final = {0: NO_ALPHA, 1: PREMULTIPLIED, 2: STRAIGHT, 999: STRAIGHT}
_CURE: Final = "save it as 8-bit RGB"


@dataclass(frozen=True, slots=True)
class Layout:
    """One page of a TIFF that is read.

    Attributes:
        page: Its tags.
        height: In pixels.
        width: In pixels.
        photometric: How samples are colours, such as `RGB`.
        bits: Of each sample.
        samples: Of each pixel, extra ones too.
        colours: Samples in front that are colours.
        alpha: What the first extra sample is.
        planes: 1 for samples that lie together, else as many as samples.
        compression: Such as `LZW`.
        predicted: Whether each sample is stored as its difference from the one before.
        reverse: Whether the first pixel is in a byte's lowest bit.
        block: Height and width of a strip or tile.
        is_tiled: Whether blocks at the edges are stored in full.
    """

    page: Page
    height: int
    width: int
    photometric: int
    bits: int
    samples: int
    colours: int
    alpha: int
    planes: int
    compression: int
    predicted: bool
    reverse: bool
    block: tuple[int, int]
    is_tiled: bool

    @property
    def together(self) -> int:
        """How many samples of a pixel lie together."""
        return self.samples if self.planes == 1 else 1

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of one block."""
        return -(-self.block[1] * self.together * self.bits // 8)

    @property
    def grid(self) -> tuple[int, int]:
        """How many blocks of a plane are below and beside each other."""
        return -(-self.height // self.block[0]), -(-self.width // self.block[1])


def read_layout(page: Page) -> Layout:
    """Returns what a page holds.

    Raises:
        BadImage: `unsupported-variant` for what is not in the table, `corrupt` for
            tags that contradict each other.
    """
    height, width = page.number(257, 0), page.number(256, 0)
    photometric = page.number(PHOTOMETRIC, -1)
    bits, samples = _samples(page)
    planes = {1: 1, 2: samples}.get(page.number(284, 1), 0)
    if photometric not in _READ:
        raise _refused(f"photometric interpretation {photometric}")
    colours, depths = _READ[photometric]
    if bits not in depths:
        raise _refused(f"{bits} bits a sample and photometric {photometric}")
    if not planes:
        raise _refused("an unknown planar configuration")
    compression = page.number(COMPRESSION, 1)
    layout = Layout(
        page,
        height,
        width,
        photometric=photometric,
        bits=bits,
        samples=samples,
        colours=colours,
        alpha=_alpha(page, samples, colours, photometric=photometric),
        planes=planes,
        compression=compression,
        predicted=page.number(317, 1) != 1
        and (compression == LZW or compression in DEFLATE),
        reverse=page.number(266, 1) == 2,
        block=_block(page, height, width),
        is_tiled=322 in page.entries,
    )
    _check_combination(layout)
    return layout


def block_tables(layout: Layout) -> list[tuple[int, int]]:
    """Returns where each block starts and how many bytes it has, plane after plane.

    Raises:
        BadImage: `corrupt`: a block lacks, or lies outside the file.
    """
    page, (below, beside) = layout.page, layout.grid
    count = below * beside * layout.planes
    if count > _MAX_BLOCKS_OF.get(layout.compression, _MAX_BLOCKS):
        raise _refused(f"{count} strips or tiles")
    first, second = (324, 325) if layout.is_tiled else (273, 279)
    starts, sizes = page.numbers(first, count), page.numbers(second, count)
    if not sizes and (layout.compression == NONE or count == 1):
        # Old programs leave the sizes out; what is too short is noticed later.
        whole = layout.block[0] * layout.row_bytes
        most = whole if layout.compression == NONE else len(page.data)
        sizes = tuple(min(most, max(0, len(page.data) - at)) for at in starts)
    if len(starts) < count or len(sizes) < count:
        raise BadImage(
            "corrupt",
            f"a TIFF with {min(len(starts), len(sizes))} of {count} strips or tiles: "
            "upload it again",
        )
    table = list(zip(starts, sizes, strict=True))
    if any(start + size > len(page.data) or not size for start, size in table):
        raise BadImage(
            "corrupt", "a TIFF whose pixels are outside the file: upload it again"
        )
    if sum(sizes) > _MAX_SHARING * len(page.data):
        raise BadImage("corrupt", "a TIFF with strips or tiles upon each other")
    return table


def _samples(page: Page) -> tuple[int, int]:
    """Returns bits a sample and samples a pixel."""
    each = page.numbers(258, _MAX_SAMPLES) or (1,)
    samples = page.number(277, len(each))
    if not 1 <= samples <= _MAX_SAMPLES:
        raise _refused(f"{samples} samples a pixel")
    each = each * samples if len(each) == 1 else each[:samples]
    if len(each) < samples or len(set(each)) > 1:
        raise _refused(f"samples of {each} bits")
    if set(page.numbers(339, _MAX_SAMPLES)) - {1}:
        raise _refused("signed, floating point or undefined samples")
    return each[0], samples


def _alpha(page: Page, samples: int, colours: int, *, photometric: int) -> int:
    extra = page.numbers(338, _MAX_SAMPLES)
    left = samples - colours
    if left < 0 or (extra and len(extra) != left):
        raise _refused(f"{samples} samples a pixel and {len(extra)} extra ones")
    if left and not extra:
        if photometric == RGB and left == 1:
            return STRAIGHT  # What most programs mean that leave out the tag.
        raise _refused(f"{samples} samples a pixel, of which {left} are not explained")
    if any(kind != 0 for kind in extra[1:]) or not set(extra[:1]) <= _ALPHAS.keys():
        raise _refused(f"extra samples {extra}")
    return _ALPHAS[extra[0]] if extra else NO_ALPHA


def _block(page: Page, height: int, width: int) -> tuple[int, int]:
    if 322 not in page.entries:
        # 2**32 - 1 means: all rows.
        return max(1, min(page.number(278, height), height)), width
    size = page.number(323, 0), page.number(322, 0)
    if 0 in size or max(size) > 2**16:
        raise BadImage("corrupt", f"a TIFF with tiles of {size[1]}x{size[0]} pixels")
    return size


def _check_combination(layout: Layout) -> None:
    bits, packing, kind = layout.bits, layout.compression, layout.photometric
    if packing in CCITT and ((bits, layout.samples) != (1, 1) or kind > 1):
        raise _refused(f"CCITT compression and {bits} bits, photometric {kind}")
    if kind == YCBCR and packing != JPEG:
        raise _refused("YCbCr without JPEG compression")
    if packing == JPEG and (
        bits != 8
        or layout.planes > 1
        or layout.samples != layout.colours
        or kind in (PALETTE, LAB)
    ):
        raise _refused("JPEG compression and this kind of samples")
    if layout.predicted and (layout.page.number(317, 1) != 2 or bits not in (8, 16)):
        raise _refused(f"predictor {layout.page.number(317, 1)} at {bits} bits")
    if layout.reverse and (bits != 1 or packing not in {NONE, *CCITT}):
        raise _refused("reversed bits (fill order 2)")
    if kind == CMYK and layout.page.number(332, 1) != 1:
        raise _refused("inks other than CMYK")
    if not _is_clear(layout):
        raise _refused(f"photometric {layout.photometric} and this kind of alpha")
    if layout.block[0] * layout.row_bytes > _MAX_BLOCK:
        raise BadImage(
            "unsupported-variant",
            f"a TIFF strip of more than {_MAX_BLOCK} bytes: save it with more strips",
        )


def _is_clear(layout: Layout) -> bool:
    """Returns whether alpha has one meaning together with the colours."""
    kind, alpha = layout.photometric, layout.alpha
    if alpha == NO_ALPHA:
        return True
    if kind in (WHITE_IS_ZERO, PALETTE):
        return alpha == STRAIGHT and layout.bits in (8, 16)
    return kind in (BLACK_IS_ZERO, RGB) and layout.bits in (8, 16)


def _refused(what: str) -> BadImage:
    return BadImage("unsupported-variant", f"a TIFF with {what}: {_CURE}")
