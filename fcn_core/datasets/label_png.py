"""Label files of the VOC kind: a PNG whose pixel values are class ids, not colours."""

import numpy as np
from numpy.typing import NDArray

from fcn_core import images
from fcn_core.bad_image import BadImage
from fcn_core.datasets import png
from fcn_core.datasets.label_checks import (
    bad_label,
    check_size,
    check_values,
    count_values,
)
from fcn_core.labels import VOC_PALETTE, VOID


def read_label_png(
    data: bytes, *, height: int, width: int, num_classes: int, path: str
) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    """Returns a label's class map and the classes in it.

    Args:
        data: the bytes of an 8-bit palette or greyscale PNG.
        height: of the photo it belongs to, in pixels.
        width: of the photo it belongs to, in pixels.
        num_classes: values from here on are refused, void aside.
        path: the label file, for the report.

    Returns:
        uint8 [H, W], values below `num_classes` or VOID; and the distinct classes,
        ascending, without background and void.

    Raises:
        BadRecord: format, size, palette or a value is wrong, or nothing but void.
    """
    header, palette = read_label_header(data, path)
    if header.colour_type in (png.RGB, png.RGB_ALPHA):
        detail = (
            "colours instead of class ids: take the palette PNG that the data set "
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
    try:
        class_map = images.decode_mask(data)
    except BadImage as error:
        raise bad_label("label-corrupt", error.detail, path) from error
    values = np.flatnonzero(count_values(class_map))
    classes = check_values(values, num_classes=num_classes, void=VOID, path=path)
    if palette is not None:
        _check_palette(palette, values, path)
    return class_map, classes


def read_label_header(
    data: bytes, path: str
) -> tuple[png.PngHeader, NDArray[np.uint8] | None]:
    """Returns the header and the palette, uint8 [n, 3], of a label file.

    Decoders do not verify the checksum of every chunk, so that is done here.

    Raises:
        BadRecord: not a PNG, or not a whole one.
    """
    if not data.startswith(png.SIGNATURE):
        raise bad_label("label-format", "not a PNG file, expected a palette PNG", path)
    try:
        header = png.read_png_header(data)
        palettes = [body for kind, body in png.png_chunks(data) if kind == b"PLTE"]
    except png.PngError as error:
        raise bad_label("label-corrupt", str(error), path) from error
    if header.colour_type != png.PALETTE:
        return header, None
    if len(palettes) != 1 or len(palettes[0]) % 3:
        raise bad_label("label-corrupt", "no whole palette in a palette PNG", path)
    return header, np.frombuffer(palettes[0], np.uint8).reshape(-1, 3)


def _check_palette(
    palette: NDArray[np.uint8], values: NDArray[np.intp], path: str
) -> None:
    """Refuses a file whose ids have other colours: they may be other classes' ids."""
    known = values[values < len(palette)]
    if len(known) == len(values) and np.array_equal(palette[known], VOC_PALETTE[known]):
        return
    detail = "its palette is not Pascal VOC's, so its ids may mean other classes"
    raise bad_label("label-palette", detail, path)
