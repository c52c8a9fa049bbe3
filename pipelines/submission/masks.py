"""Masks as Pascal VOC's test server takes them, and the check of what was written.

The server refuses a value above 20 (so no void), another size than the photo's, and
ids that are missing or too many.
"""

import hashlib
import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image

from fcn_core import images
from fcn_core.bad_image import BadImage
from fcn_core.images.png import PALETTE, read_png_header
from fcn_core.labels import VOC_CLASSES, VOC_PALETTE

HIGHEST: Final = len(VOC_CLASSES) - 1


class MaskError(Exception):
    """A mask cannot be submitted; the message says why."""


def convert_mask(
    png: bytes, *, shape: tuple[int | None, int | None], class_ids: Sequence[int]
) -> bytes:
    """Returns a scored mask as a file of the submission.

    Args:
        png: The mask.
        shape: Height and width of the photo.
        class_ids: VOC's class id for each class id of the model.

    Raises:
        MaskError: It does not decode, has another size, or a class VOC has not.
    """
    try:
        class_map = images.decode_mask(png)
    except BadImage as bad:
        raise MaskError(f"the mask does not decode: {bad}") from bad
    if class_map.shape != shape:
        raise MaskError(
            f"the mask is {class_map.shape[1]} x {class_map.shape[0]}, the photo "
            f"{shape[1]} x {shape[0]}"
        )
    if int(class_map.max()) >= len(class_ids):
        raise MaskError(
            f"the mask has the value {class_map.max()}, expected at most {HIGHEST}"
        )
    return images.encode_mask(np.asarray(class_ids, np.uint8)[class_map])


def check(written: bytes, sha256: bytes) -> None:
    """Checks a file as the server will, through another decoder than ours.

    Args:
        written: The bytes read back from the file.
        sha256: Of the bytes that were to be written.

    Raises:
        MaskError: The server would refuse it.
    """
    if hashlib.sha256(written).digest() != sha256:
        raise MaskError("other bytes were read again than were written")
    header = read_png_header(written)
    if (header.bits, header.colour_type) != (8, PALETTE):
        raise MaskError("not 8 bits deep with a palette")
    with Image.open(io.BytesIO(written), formats=["PNG"]) as image:
        palette, mode = image.getpalette("RGB"), image.mode
        highest = int(np.asarray(image).max())
    if mode != "P" or palette != VOC_PALETTE.ravel().tolist():
        raise MaskError(f"mode {mode}, expected P with VOC's 256 colours")
    if highest > HIGHEST:
        raise MaskError(f"the value {highest}, expected at most {HIGHEST}")
