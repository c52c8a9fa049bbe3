"""Label files of the VOC kind: a PNG whose pixel values are class ids, not colours."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core.bad_image import clean_detail
from fcn_core.datasets.label_files.checks import bad_label, check_size, check_values
from fcn_core.images import png
from fcn_core.labels import VOC_PALETTE, VOID


def read_label_png(
    data: bytes, *, height: int, width: int, num_classes: int, path: str
) -> tuple[bytes, tuple[int, ...]]:
    """Checks a label and returns it in the form for records.

    Args:
        data: The bytes of an 8-bit palette or greyscale PNG.
        height: Of the photo it belongs to, in pixels.
        width: Of the photo it belongs to, in pixels.
        num_classes: Values from here on are refused, void aside.
        path: The label file, for the report.

    Returns:
        An 8-bit grey PNG whose grey values are the class ids; and the distinct classes,
        ascending, without background and void.

    Raises:
        BadRecord: Format, size, palette or a value is wrong, or nothing but void.
    """
    file = read_label_file(data, path)
    header = file.header
    if header.colour_type in (png.RGB, png.RGB_ALPHA):
        detail = (
            "colours instead of class ids; take the palette PNG that the data set "
            "publishes, not a rendering of it"
        )
        raise bad_label("label-rgb", detail, path)
    if header.colour_type not in (png.GREY, png.PALETTE) or header.bits != 8:
        detail = (
            f"PNG colour type {header.colour_type} with {header.bits} bits, expected "
            "palette or grey with 8"
        )
        raise bad_label("label-format", detail, path)
    check_size((header.height, header.width), (height, width), path)
    grey = file.as_grey()
    values = _values(grey, path)
    classes = check_values(values, num_classes=num_classes, void=VOID, path=path)
    if header.colour_type == png.PALETTE:
        _check_palette(read_palette(file, path), values, path)
    return grey, classes


def read_label_file(data: bytes, path: str) -> png.PngFile:
    """Returns a label's header and chunks.

    Decoders do not verify the checksum of every chunk, so that is done here.

    Raises:
        BadRecord: Not a PNG, or not a whole one.
    """
    if not data.startswith(png.SIGNATURE):
        raise bad_label("label-format", "not a PNG file, expected a palette PNG", path)
    try:
        return png.read_png(data)
    except png.PngError as error:
        raise bad_label("label-corrupt", str(error), path) from error


def read_palette(file: png.PngFile, path: str) -> NDArray[np.uint8]:
    """Returns the colours of a palette PNG, uint8 `[n, 3]`.

    Raises:
        BadRecord: It has none.
    """
    palette = file.palette
    if palette is None:
        raise bad_label("label-corrupt", "no whole palette in a palette PNG", path)
    return np.frombuffer(palette, np.uint8).reshape(-1, 3)


def _values(grey: bytes, path: str) -> NDArray[np.intp]:
    """Returns the values that occur, ascending; every pixel is decoded for it."""
    try:
        with Image.open(io.BytesIO(grey), formats=["PNG"]) as image:
            return np.flatnonzero(image.histogram())
    except MemoryError:
        raise
    except Exception as error:
        # Decoders raise anything on damaged bytes, not only OSError.
        detail = clean_detail(f"{type(error).__name__}: {error}")
        raise bad_label("label-corrupt", detail, path) from error


def _check_palette(
    palette: NDArray[np.uint8], values: NDArray[np.intp], path: str
) -> None:
    """Refuses a file whose ids have other colours: they may be other classes' ids."""
    known = values[values < len(palette)]
    if len(known) == len(values) and np.array_equal(palette[known], VOC_PALETTE[known]):
        return
    detail = "its palette is not Pascal VOC's, so its ids may mean other classes"
    raise bad_label("label-palette", detail, path)
