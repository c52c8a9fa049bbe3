"""CPU time of what lanes do for a photo, and how many of them one device needs."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu import photos
from fcn_core.geometry import Placement, Size


@dataclass(frozen=True)
class LaneTimes:
    """CPU time a photo on one core of this machine, in milliseconds.

    Attributes:
        decode: Bytes to a fitted photo.
        class_map: Logits to the class of each pixel of the original.
        png: Of that.
        used: What decoded and encoded.
        border_share: Of the drawn logits: cells at a border take the most time.
        photos: How many were measured.
    """

    decode: float
    class_map: float
    png: float
    used: str
    border_share: float
    photos: int

    def needed(self, images_per_second: float, *, masks: bool) -> int:
        """Returns how many lanes keep a device of this speed busy.

        Args:
            images_per_second: Of the device.
            masks: Whether the photos get class maps; ratings cost lanes nothing.
        """
        each = self.decode + (self.class_map + self.png if masks else 0)
        return max(1, math.ceil(images_per_second * each / 1e3))


def measure_lanes(files: Sequence[Path], canvas: Size) -> LaneTimes:
    """Measures each step on photos in memory; class maps are of drawn logits.

    Args:
        files: The photos, at least one.
        canvas: What they are fitted into, pixels.
    """
    steps = photos.steps()
    spent = dict.fromkeys(("decode", "class_map", "png"), 0.0)

    def timed(name: str, run: Callable[..., Any], *given: Any, **named: Any) -> Any:
        start = time.process_time()
        result = run(*given, **named)
        spent[name] += time.process_time() - start
        return result

    def decoded(data: bytes) -> tuple[NDArray[np.uint8], Placement]:
        return photos.fitted(steps.decode(data, max(canvas)), canvas)

    drawn = [photos.draw_logits(canvas, number) for number in range(8)]
    how = {"stride": photos.STRIDE, "alignment": "corner"}
    contents = [file.read_bytes() for file in files]
    for number, data in enumerate([contents[0], *contents]):
        if number == 1:  # the first one loads libraries: it does not count
            spent.update(dict.fromkeys(spent, 0.0))
        _, placement = timed("decode", decoded, data)
        logits = drawn[number % len(drawn)]
        found = timed("class_map", steps.class_map, logits, placement, **how)
        timed("png", steps.encode, found)
    a_photo = {name: 1e3 * value / len(contents) for name, value in spent.items()}
    return LaneTimes(
        **a_photo,
        used=steps.used,
        border_share=photos.border_share(drawn),
        photos=len(contents),
    )
