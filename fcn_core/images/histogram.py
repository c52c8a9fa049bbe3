"""How many pixels of a class map have each value."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

VALUES: Final = 256

_PIXELS_AT_ONCE: Final = 1 << 20
"""`numpy.bincount` makes int64 of its input: 8 bytes a pixel."""


def count_values(class_map: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Returns how many pixels have each value, in memory that no photo's size changes.

    Args:
        class_map: uint8 `[H, W]`.

    Returns:
        int64 `[256]`.
    """
    flat, counts = class_map.reshape(-1), np.zeros(VALUES, np.int64)
    for first in range(0, len(flat), _PIXELS_AT_ONCE):
        counts += np.bincount(flat[first : first + _PIXELS_AT_ONCE], minlength=VALUES)
    return counts
