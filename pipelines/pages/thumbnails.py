"""Small pictures for the pages, encoded anew and written as `data:` URIs.

Only pixels are taken over: no EXIF, GPS, colour profile or other block of a photo.
"""

import base64
import hashlib
import io
import tarfile
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core import geometry, images
from fcn_core.bad_image import BadImage
from fcn_core.labels import VOC_PALETTE, VOID
from pipelines.score import inputs, masks

THUMBNAIL_SIDE: Final = 360
"""Pixels of a thumbnail's longer side."""

_THUMBNAIL_BYTES: Final = 36 << 10
_QUALITIES: Final = (82, 70, 55, 40)


def photo_pixels(uri: str, *, version: str, sha256: str | None) -> NDArray[np.uint8]:
    """Reads a scored photo again.

    Args:
        uri: Where the photo was.
        version: Of the photo that was scored.
        sha256: Of the bytes that were scored, hex; no other bytes are decoded.

    Returns:
        Its `thumbnail`.

    Raises:
        BadImage: The photo is gone, has changed, or cannot be decoded.
    """
    data = inputs.read_again(uri, version=version)
    if hashlib.sha256(data).hexdigest() != sha256:
        detail = "other bytes than those scored"
        raise BadImage("changed-while-reading", detail, stage="read")
    return thumbnail(data)


def thumbnail(data: bytes) -> NDArray[np.uint8]:
    """Decodes a photo that a lane decoded before: it can do no harm here.

    Returns:
        uint8 `[h, w, 3]` RGB, upright, the longer side at most `THUMBNAIL_SIDE`.

    Raises:
        BadImage: The photo cannot be decoded.
    """
    pixels = images.decode(data, max_side=THUMBNAIL_SIDE).pixels
    size = geometry.Size(*pixels.shape[:2])
    return images.resize(pixels, geometry.fit(size, max_side=THUMBNAIL_SIDE))


def photo_uri(pixels: NDArray[np.uint8]) -> str:
    """Returns a JPEG of at most about 36 KiB as a data: URI."""
    image = Image.fromarray(pixels)
    data = b""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, format="JPEG", quality=quality, optimize=True)
        data = buffer.getvalue()
        if len(data) <= _THUMBNAIL_BYTES:
            break
    return _data_uri("image/jpeg", data)


def mask_indices(
    mask_files: masks.Reader, mask_path: str, *, sha256: str | None
) -> NDArray[np.uint8] | None:
    """Returns a row's mask as uint8 `[H, W]` class ids, None where it is missing."""
    try:
        data = mask_files.read(mask_path)
    except (OSError, KeyError, tarfile.TarError):
        return None
    if hashlib.sha256(data).hexdigest() != sha256:
        return None
    return images.decode_mask(data)


def overlay_uri(
    class_map: NDArray[np.uint8],
    shape: Sequence[int],
    *,
    see_through: Collection[int] = (0,),
) -> str:
    """Returns a mask in the palette's colours as a PNG in a data: URI.

    Args:
        class_map: uint8 `[H, W]` class ids.
        shape: Of the thumbnail that it is laid over, `(h, w, ...)`.
        see_through: Ids where the photo shows whatever the opacity; void always does.
    """
    height, width = shape[:2]
    small = Image.fromarray(class_map).resize((width, height), Image.Resampling.NEAREST)
    ids = np.array(small)
    hidden = np.isin(ids, [*see_through, VOID])
    clear = 0 if 0 in see_through else VOID
    ids[hidden] = clear
    colours = int(ids.max()) + 1
    alpha = bytes(0 if i == clear else 255 for i in range(colours))
    image = Image.fromarray(ids, "P")
    image.putpalette(VOC_PALETTE[:colours].tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", transparency=alpha, compress_level=9)
    return _data_uri("image/png", buffer.getvalue())


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
