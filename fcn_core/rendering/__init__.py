"""Results for people to look at; nothing else depends on this room."""

from fcn_core.rendering.class_shares import class_shares
from fcn_core.rendering.crf import CrfSettings, RefinementError, refine
from fcn_core.rendering.overlay import (
    LegendEntry,
    class_list,
    heat_map,
    legend,
    overlay,
    palette_mask,
)
from fcn_core.rendering.sticker import erode, sticker

__all__ = [
    "CrfSettings",
    "LegendEntry",
    "RefinementError",
    "class_list",
    "class_shares",
    "erode",
    "heat_map",
    "legend",
    "overlay",
    "palette_mask",
    "refine",
    "sticker",
]
