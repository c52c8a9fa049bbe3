"""Small pictures for the pages, encoded anew and written as `data:` URIs.

A lane decodes the photos, under the limits of lanes: that one was scored before does
not make it harmless here, where another size is asked for and other work waits.
"""

import base64
import hashlib
import io
import tarfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core import images
from fcn_core.bad_image import BadImage
from fcn_core.labels import VOC_PALETTE, VOID
from pipelines.faults import UsageError
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.pool import LanePool
from pipelines.lanes.settings import LaneSettings
from pipelines.pages import lane
from pipelines.score import inputs, masks

_LANES: Final = LaneSettings(
    "pipelines.pages.lane:DrawThumbnail", config={}, lanes=None
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo as a page shows it, or why it does not.

    Attributes:
        uri: A JPEG of at most about 36 KiB as a data: URI, or None.
        missing: Why there is none.
        height: Of the picture in pixels.
        width: Likewise.
    """

    uri: str | None = None
    missing: str = ""
    height: int = 0
    width: int = 0


def ask(photo: bytes, name: str = "") -> Request:
    """Returns what a lane is asked about the encoded bytes of a photo."""
    return Request({}, [photo], name)


def ask_again(uri: str, *, version: str, sha256: str | None) -> Request | Answer:
    """Reads a scored photo again.

    Args:
        uri: Where the photo was.
        version: Of the photo that was scored.
        sha256: Of the bytes that were scored, hex; no other bytes are decoded.

    Returns:
        What a lane is asked, or that the photo is gone, has changed, or is in a place
        that this process cannot read.
    """
    try:
        data = inputs.read_again(uri, version=version)
    except BadImage as bad:
        return Answer(bad=bad)
    except UsageError:
        return Answer(reply={"missing": "out of reach"})
    if hashlib.sha256(data).hexdigest() != sha256:
        detail = "other bytes than those scored"
        return Answer(bad=BadImage("changed-while-reading", detail, stage="read"))
    return ask(data, uri)


def draw(photos: Iterable[Request | Answer], *, number: int) -> list[Picture]:
    """Has lanes draw the pictures of some photos, in order.

    Args:
        photos: Of `ask` and `ask_again`; taken as the lanes come to them.
        number: How many there are.

    Raises:
        SystemicFault: No lane works here.
    """
    if number == 0:
        return []
    found = [Picture()] * number
    # Drawn first, it shows that lanes work here: whatever kills one after that is a
    # photo's doing, also where there is only one photo.
    harmless = ask(lane.encode(np.zeros((8, 8, 3), np.uint8)))
    pool = LanePool(replace(_LANES, lanes=min(_LANES.count, number)))
    try:
        for index, answer in pool.answer(enumerate(chain([harmless], photos), -1)):
            if index >= 0:
                found[index] = _picture(answer)
    finally:
        pool.close()
    return found


def _picture(answer: Answer) -> Picture:
    if answer.bad is not None:
        return Picture(missing=answer.bad.reason.replace("-", " "))
    if not answer.blobs:
        return Picture(**answer.reply)
    return Picture(_data_uri("image/jpeg", answer.blobs[0]), **answer.reply)


def mask_indices(
    mask_files: masks.Reader,
    mask_path: str,
    *,
    sha256: str | None,
    size: tuple[int, int],
) -> NDArray[np.uint8] | None:
    """Returns a row's mask as uint8 `[h, w]` class ids, None where it is missing.

    Args:
        mask_files: Of the output that the path is relative to.
        mask_path: Of the row.
        sha256: Of the row; no other bytes are shown.
        size: Height and width of the picture that it is laid over, in pixels: a mask
            is as large as its photo, and is never in memory as a whole.
    """
    try:
        data = mask_files.read(mask_path)
    except (OSError, KeyError, tarfile.TarError):
        return None
    if hashlib.sha256(data).hexdigest() != sha256:
        return None
    return images.sample_mask(data, size)


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
