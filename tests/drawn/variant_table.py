"""Which kinds of photos are read, and which are refused: the table of the tests.

docs/scoring.md holds it as `as_markdown` writes it.
"""

import itertools
from collections.abc import Iterator
from typing import Final, NamedTuple

from tests.drawn.tiff_variants import TiffKind, colour_samples

BYTES: Final = (1, 5, 8, 32946, 32773)
CCITT: Final = (2, 3, 4)
PHOTOMETRICS: Final = (0, 1, 2, 3, 4, 5, 6, 8, 9, 32844)
DEPTHS: Final = (1, 2, 4, 6, 8, 10, 12, 14, 16, 32)
ALPHAS: Final = (None, 0, 1, 2)


class TiffRow(NamedTuple):
    """Kinds of TIFF that are read; all others are `unsupported-variant`.

    Attributes:
        what: In words.
        photometrics: Tag 262.
        depths: Bits a sample.
        packings: Compressions.
        alphas: Extra samples; 0 is one that is left out.
    """

    what: str
    photometrics: tuple[int, ...]
    depths: tuple[int, ...]
    packings: tuple[int, ...] = BYTES
    alphas: tuple[int | None, ...] = (None, 0)


READ_TIFFS: Final = (
    TiffRow("grey, black or white is zero", (0, 1), (1, 2, 4, 8, 10, 12, 14, 16)),
    TiffRow("grey and alpha", (0, 1), (8, 16), alphas=(2,)),
    TiffRow("grey and premultiplied alpha", (1,), (8, 16), alphas=(1,)),
    TiffRow("RGB", (2,), (8, 10, 12, 14, 16)),
    TiffRow("RGB and alpha", (2,), (8, 16), alphas=(1, 2)),
    TiffRow("palette", (3,), (1, 2, 4, 8)),
    TiffRow("palette and alpha", (3,), (8,), alphas=(2,)),
    TiffRow("CMYK", (5,), (8, 16)),
    TiffRow("LAB", (8,), (8,)),
    TiffRow("black and white, fax", (0, 1), (1,), CCITT, (None,)),
    TiffRow("JPEG: grey, RGB, CMYK, YCbCr", (0, 1, 2, 5, 6), (8,), (7,), (None,)),
)


class Variant(NamedTuple):
    """A kind of photo and the answer to it.

    Attributes:
        format: Such as "PNG".
        what: In words.
        answer: "read", or a reason.
    """

    format: str
    what: str
    answer: str = "read"


REFUSED: Final = "unsupported-variant"
OTHERS: Final = (
    Variant(
        "TIFF",
        "signed, floating point or 32-bit samples, logarithmic or uncompressed YCbCr "
        "colours, a floating point predictor, other compressions",
        REFUSED,
    ),
    Variant("TIFF", "any other kind", REFUSED),
    Variant("BMP", "1, 4, 8, 24 bits, not compressed"),
    Variant("BMP", "16 and 32 bits, with or without bit fields"),
    Variant("BMP", "8 bits, run lengths"),
    Variant("BMP", "4 bits, run lengths; other bits and compressions", REFUSED),
    Variant("PNG", "1, 2, 4, 8, 16 bits grey; 1, 2, 4, 8 bits palette"),
    Variant("PNG", "8, 16 bits RGB, RGB and alpha, grey and alpha"),
    Variant("PNG", "rewritten by Xcode (CgBI)", REFUSED),
    Variant("JPEG", "8 bits, grey, YCbCr, RGB, CMYK; baseline, progressive"),
    Variant("JPEG", "12 bits, lossless, hierarchical, 2 components", REFUSED),
    Variant("WebP", "lossy, lossless, alpha; of an animation the first picture"),
    Variant("GIF", "of an animation the first picture"),
    Variant("all", "every pixel transparent (but BMP: shown without alpha)", REFUSED),
)


def is_read(kind: TiffKind) -> bool:
    """Returns whether a row of the table holds this kind."""
    return any(
        kind.photometric in row.photometrics
        and kind.bits in row.depths
        and kind.packing in row.packings
        and kind.alpha in row.alphas
        and kind.form == 1
        for row in READ_TIFFS
    )


def every_tiff() -> Iterator[TiffKind]:
    """Yields kinds inside and outside of the table; all that can be drawn."""
    for photometric, bits, alpha in itertools.product(PHOTOMETRICS, DEPTHS, ALPHAS):
        samples = colour_samples(photometric) + (alpha is not None)
        planes = (1, 2) if samples > 1 else (1,)
        for packing, plane, order in itertools.product(
            (*BYTES, *CCITT, 7), planes, "<>"
        ):
            if packing in CCITT and (samples > 1 or bits > 1):
                continue
            if packing == 7 and (bits, alpha, plane) != (8, None, 1):
                continue
            yield TiffKind(photometric, bits, alpha, packing, plane, order)
    for photometric, form in itertools.product((0, 1, 2), (2, 3, 4)):
        for bits in (8, 16, 32):
            yield TiffKind(photometric, bits, form=form)


def as_markdown() -> str:
    """Returns the table of the docs."""
    names = {1: "none", 5: "LZW", 8: "deflate", 32773: "PackBits", 7: "JPEG"}
    lines = ["| format | variant | answer |", "|---|---|---|"]
    for row in READ_TIFFS:
        packings = [names[one] for one in row.packings if one in names] or ["CCITT"]
        depths = ", ".join(map(str, row.depths))
        what = f"{row.what}: {depths} bits; {', '.join(packings)}"
        lines.append(f"| TIFF | {what} | read |")
    for format_, what, answer in OTHERS:
        shown = "read" if answer == "read" else f"`{answer}`"
        lines.append(f"| {format_} | {what} | {shown} |")
    return "\n".join(lines)
