"""Class probabilities of every pixel, for heat maps and refinement.

`class_maps` avoids computing them; to see or to smooth them takes them all. Logits are
read where `class_maps` reads them, so the largest share is that of its class.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry
from fcn_core.geometry import Alignment
from fcn_core.scoring.class_maps import lay_out

_VALUES_AT_ONCE: Final = 1 << 22


def class_shares(
    logits: NDArray[np.float32],
    placement: geometry.Placement,
    *,
    stride: int,
    alignment: Alignment,
) -> NDArray[np.float32]:
    """Returns the softmax of the bilinearly enlarged logits.

    Args:
        logits: float32 `[h, w, C]` for the padded photo.
        placement: Original, fitted and padded size of the photo.
        stride: Pixels of the padded photo between two logits.
        alignment: Where a logit sits among its pixels.

    Returns:
        float32 `[H, W, C]` at the original size; each pixel's shares sum to 1.
    """
    z, (row, fy), (column, fx) = lay_out(
        logits, placement, stride=stride, alignment=alignment
    )
    original = placement.original
    shares = np.empty((*original, logits.shape[2]), np.float32)
    step = max(1, _VALUES_AT_ONCE // (original.width * logits.shape[2]))
    for start in range(0, original.height, step):
        rows = slice(start, start + step)
        y = fy[rows, None, None]
        lines = z[row[rows]] * (1 - y) + z[row[rows] + 1] * y
        x = fx[None, :, None]
        values = lines[:, column] * (1 - x) + lines[:, column + 1] * x
        values = np.exp(values - values.max(-1, keepdims=True))
        shares[rows] = values / values.sum(-1, keepdims=True)
    return shares
