"""A user's masks: pixel values or colours, to class ids by a label map."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core import images
from fcn_core.bad_image import BadImage
from fcn_core.datasets.label_files.checks import (
    bad_label,
    check_size,
    check_values,
)
from fcn_core.datasets.label_files.label_map import LabelMap, Rgb
from fcn_core.datasets.label_files.palette_png import read_label_file, read_palette
from fcn_core.images import png
from fcn_core.images.histogram import count_values
from fcn_core.images.limits import Header
from fcn_core.labels import VOID

_SHOWN = 4
_UNKNOWN = -1


def read_mask(
    data: bytes,
    *,
    height: int,
    width: int,
    label_map: LabelMap | None,
    path: str,
    has_void: bool = True,
) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    """Returns a mask's class map and the classes in it.

    Args:
        data: The bytes of a palette, 8-bit grey or 8-bit colour PNG.
        height: Of the photo it belongs to, in pixels.
        width: Of the photo it belongs to, in pixels.
        label_map: What values or colours mean; None: values are class ids, 255 void.
        path: The mask, for the report.
        has_void: Without a label map: whether 255 is void. If not, a mask of 0 and 255
            has the classes 0 and 1.

    Returns:
        uint8 `[H, W]` class ids, or the label map's void; and the distinct classes,
        ascending, without 0 and void.

    Raises:
        BadRecord: Format, size, a value or a colour is wrong, or nothing but void.
    """
    file = read_label_file(data, path)
    header = file.header
    check_size((header.height, header.width), (height, width), path)
    colours = label_map.colours if label_map is not None else ()
    if header.colour_type in (png.RGB, png.RGB_ALPHA):
        rgb = _decode_colours(data, header, path)
        class_map = _by_colour(rgb, colours, path)
    else:
        class_map = _decode_indices(data, path)
        if header.colour_type == png.PALETTE and colours:
            palette = read_palette(file, path)
            class_map = _by_palette(class_map, palette, colours=colours, path=path)
        elif label_map is not None:
            class_map = _by_value(class_map, label_map, path)
        elif not has_void:
            class_map = _as_binary(class_map, path)
    values = np.flatnonzero(count_values(class_map))
    num_classes = len(label_map.names) if label_map is not None else VOID
    void = label_map.void if label_map is not None else VOID
    return class_map, check_values(
        values, num_classes=num_classes, void=void, path=path
    )


def _decode_indices(data: bytes, path: str) -> NDArray[np.uint8]:
    try:
        return images.decode_mask(data)
    except BadImage as bad:
        reason = "label-corrupt" if bad.reason == "corrupt" else "label-format"
        raise bad_label(reason, bad.detail, path) from bad


def _decode_colours(data: bytes, header: Header, path: str) -> NDArray[np.uint8]:
    """Returns uint8 `[H, W, 3]`; transparency would make a colour ambiguous."""
    if header.bits != 8:
        detail = f"a colour PNG of {header.bits} bits, expected 8"
        raise bad_label("label-format", detail, path)
    try:
        images.decode(data)  # for its limits and checks
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            pixels = np.array(image)
    except BadImage as bad:
        raise bad_label("label-corrupt", bad.detail, path) from bad
    if pixels.shape[2] == 4 and (pixels[:, :, 3] != 255).any():
        detail = "transparent pixels, expected opaque colours"
        raise bad_label("label-format", detail, path)
    return pixels[:, :, :3]


def _by_colour(
    rgb: NDArray[np.uint8], colours: tuple[tuple[Rgb, int], ...], path: str
) -> NDArray[np.uint8]:
    """Returns class ids `[...]` for colours uint8 `[..., 3]`."""
    if not colours:
        detail = "colours, and no label map that names them; pass --label_map"
        raise bad_label("label-rgb", detail, path)
    wide = rgb.astype(np.int32)
    codes = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    known = sorted((r << 16 | g << 8 | b, class_id) for (r, g, b), class_id in colours)
    table = np.array(known, np.int32)
    found = np.searchsorted(table[:, 0], codes).clip(max=len(table) - 1)
    unknown = table[found, 0] != codes
    if unknown.any():
        some = [f"#{code:06x}" for code in np.unique(codes[unknown])[:_SHOWN]]
        detail = f"colours {', '.join(some)}, expected those of the label map"
        raise bad_label("label-colour", detail, path)
    return table[found, 1].astype(np.uint8)


def _by_palette(
    indices: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    *,
    colours: tuple[tuple[Rgb, int], ...],
    path: str,
) -> NDArray[np.uint8]:
    """Returns class ids by the palette's colours, however they are numbered."""
    used = np.flatnonzero(count_values(indices))
    if used[-1] >= len(palette):
        detail = f"index {used[-1]} of a palette of {len(palette)}"
        raise bad_label("label-corrupt", detail, path)
    table = np.zeros(256, np.uint8)
    table[used] = _by_colour(palette[used], colours, path)
    return table[indices]


def _as_binary(values: NDArray[np.uint8], path: str) -> NDArray[np.uint8]:
    """Returns class ids of a mask in which 255 is not void: of 0 and 255, 0 and 1."""
    found = [int(value) for value in np.flatnonzero(count_values(values))]
    if VOID not in found:
        return values
    if others := [value for value in found if value not in (0, VOID)]:
        shown = ", ".join(map(str, others[:_SHOWN]))
        detail = f"values {shown} beside {VOID}; name all of them in a --label_map"
        raise bad_label("label-value", detail, path)
    return (values == VOID).astype(np.uint8)


def _by_value(
    values: NDArray[np.uint8], label_map: LabelMap, path: str
) -> NDArray[np.uint8]:
    table = np.full(256, _UNKNOWN, np.int16)
    table[list(label_map.values)] = list(label_map.values.values())
    unknown = [
        int(v) for v in np.flatnonzero(count_values(values)) if table[v] == _UNKNOWN
    ]
    if unknown:
        shown = ", ".join(map(str, unknown[:_SHOWN]))
        detail = f"values {shown}, expected those of the label map"
        raise bad_label("label-value", detail, path)
    return table[values].astype(np.uint8)
