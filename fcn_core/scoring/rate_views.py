"""Ratings of several views of one photo."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry, images
from fcn_core.scoring.scorers import Outputs, Scorer, side_multiple, with_moments
from fcn_core.views import View


def rate_views(
    scorer: Scorer,
    pixels: NDArray[np.uint8],
    views: Sequence[View],
    *,
    masked: bool = False,
) -> Outputs:
    """Rates a photo by views of it: the mean of the views' ratings.

    Args:
        scorer: An aesthetics model.
        pixels: uint8 `[h, w, 3]` RGB of the whole photo.
        views: From `views.views`, all of one canvas size.
        masked: Whether cells beside the photo are left out. Its window then lies at the
            top left of the canvas, where the scorer expects it, and not in the middle.

    Returns:
        `ratings` float32 `[1, R]` that sum to 1, `mean` and `std` float32 `[1]`.
    """
    card = scorer.card
    multiple = side_multiple(card)
    batch, sizes = [], []
    for shown in views:
        if masked:
            shown = replace(shown, offset=(0, 0))
        canvas = images.view(pixels, shown, card.padding_value)
        padded = geometry.round_up(shown.canvas, multiple, minimum=card.minimum_side)
        batch.append(images.pad(canvas, padded, card.padding_value))
        sizes.append(shown.window[2:] if masked else shown.canvas)
    outputs = scorer.score(np.stack(batch), np.array(sizes, np.int32))
    mean = outputs["ratings"].mean(0, dtype=np.float64, keepdims=True)
    return with_moments(mean, card=card)
