"""The first bytes of files: which format this is, whatever its name says."""

from typing import Final

from fcn_core.bad_image import BadImage
from fcn_core.images.png import SIGNATURE

_CONVERT: Final = "convert to JPEG"
_DEVELOP: Final = "convert to JPEG with the camera's software"

# Pictures that are refused by name, so that their owner knows what to do:
# (offset, bytes, what it is, cure).
_REFUSED: Final[tuple[tuple[int, bytes, str, str], ...]] = (
    (0, b"IIRO", "a camera raw file (Olympus ORF)", _DEVELOP),
    (0, b"IIRS", "a camera raw file (Olympus ORF)", _DEVELOP),
    (0, b"MMOR", "a camera raw file (Olympus ORF)", _DEVELOP),
    (0, b"IIU\0", "a camera raw file (Panasonic RW2)", _DEVELOP),
    (0, b"FUJIFILMCCD-RAW", "a camera raw file (Fujifilm RAF)", _DEVELOP),
    (0, b"FOVb", "a camera raw file (Sigma X3F)", _DEVELOP),
    (0, b"\0MRM", "a camera raw file (Minolta MRW)", _DEVELOP),
    (6, b"HEAPCCDR", "a camera raw file (Canon CRW)", _DEVELOP),
    (0, b"II+\0", "a BigTIFF", "convert to TIFF or JPEG"),
    (0, b"MM\0+", "a BigTIFF", "convert to TIFF or JPEG"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000", _CONVERT),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 codestream", _CONVERT),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL", _CONVERT),
    (0, b"\xff\x0a", "a JPEG XL codestream", _CONVERT),
    (0, b"8BPS", "a Photoshop document", _CONVERT),
    (0, b"gimp xcf", "a GIMP document", _CONVERT),
    (0, b"\0\0\x01\0", "an icon", _CONVERT),
    (0, b"\0\0\x02\0", "a cursor", _CONVERT),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR image", _CONVERT),
    (0, b"#?RADIANCE", "a Radiance image", _CONVERT),
    (0, b"DDS ", "a DirectDraw surface", _CONVERT),
    (0, b"qoif", "a QOI image", _CONVERT),
    (0, b"BPG\xfb", "a BPG image", _CONVERT),
    (0, b"FLIF", "a FLIF image", _CONVERT),
    (0, b"AT&TFORM", "a DjVu document", _CONVERT),
    (0, b"%!PS", "a PostScript document", _CONVERT),
    (0, b"<svg", "an SVG drawing", "render it to PNG"),
    (0, b"icns", "an icon", _CONVERT),
    (0, b"\x59\xa6\x6a\x95", "a Sun raster image", _CONVERT),
    (0, b"\x01\xda", "an SGI image", _CONVERT),
    *((0, b"P%d\n" % kind, "a PNM image", _CONVERT) for kind in range(1, 8)),
)

# Brands of the ISO base media container (also used by films, which are no pictures).
_BRANDS: Final[dict[bytes, tuple[str, str]]] = {
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
        ("a HEIC/HEIF photo", _CONVERT),
    ),
    **dict.fromkeys((b"avif", b"avis"), ("an AVIF image", _CONVERT)),
    b"crx ": ("a camera raw file (Canon CR3)", _DEVELOP),
}

# "BM" alone also begins many a text; the size of the next header makes sure.
_BMP_HEADER_SIZES: Final = frozenset(
    size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124)
)


def sniff(data: bytes) -> str:
    """Returns the format of an encoded image by its first bytes.

    Args:
        data: The file, or at least its first 64 bytes.

    Returns:
        "JPEG", "PNG", "WEBP", "GIF", "BMP" or "TIFF".

    Raises:
        BadImage: `not-an-image`; `unsupported-format` with the cure, for known formats
            that are not decoded; `bad-header` for a PNG mangled by a text transfer;
                `unsupported-variant` for a PNG of Xcode.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(SIGNATURE[:4]):
        return _png(data)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith((b"II*\0", b"MM\0*")):
        return _tiff(data)
    if data.startswith(b"BM") and data[14:18] in _BMP_HEADER_SIZES:
        return "BMP"
    _refuse(data)
    raise BadImage(
        "not-an-image",
        f"the file starts with the bytes {data[:8].hex(' ')}, "
        "expected JPEG, PNG, WebP, GIF, BMP or TIFF",
    )


def _png(data: bytes) -> str:
    if data[12:16] == b"CgBI":
        raise BadImage(
            "unsupported-variant",
            "a PNG that Xcode rewrote for iPhones (CgBI): take the one in the app's "
            "sources, or convert it to PNG on a Mac",
        )
    if data.startswith(SIGNATURE):
        return "PNG"
    raise BadImage(
        "bad-header", "a PNG signature with changed line ends: transfer it as binary"
    )


def _tiff(data: bytes) -> str:
    if data[8:10] == b"CR":
        raise _unsupported("a camera raw file (Canon CR2)", _DEVELOP)
    return "TIFF"


def _refuse(data: bytes) -> None:
    if data[4:8] == b"ftyp":
        # The major brand, a version number, then the compatible brands.
        end = min(int.from_bytes(data[:4], "big"), 64)
        for start in (8, *range(16, end, 4)):
            brand = data[start : start + 4]
            if brand in _BRANDS:
                raise _unsupported(*_BRANDS[brand])
    for offset, magic, what, cure in _REFUSED:
        if data.startswith(magic, offset):
            raise _unsupported(what, cure)


def _unsupported(what: str, cure: str) -> BadImage:
    return BadImage("unsupported-format", f"{what} is not decoded: {cure}")
