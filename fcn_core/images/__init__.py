"""Bytes <-> pixels, or a reason: everything that others need of this room."""

from fcn_core.bad_image import REASONS, TRANSIENT_REASONS, BadImage
from fcn_core.images.canvas import pad, resize, sample, view, view_mask
from fcn_core.images.decode import (
    DECODE_POLICY,
    DecodedImage,
    check,
    decode,
    is_decoded_for,
)
from fcn_core.images.histogram import count_values
from fcn_core.images.limits import DEFAULT_LIMITS, DecodeLimits
from fcn_core.images.mask_rows import sample_mask
from fcn_core.images.masks import decode_mask, encode_grey, encode_mask

__all__ = [
    "DECODE_POLICY",
    "DEFAULT_LIMITS",
    "REASONS",
    "TRANSIENT_REASONS",
    "BadImage",
    "DecodeLimits",
    "DecodedImage",
    "check",
    "count_values",
    "decode",
    "decode_mask",
    "encode_grey",
    "encode_mask",
    "is_decoded_for",
    "pad",
    "resize",
    "sample",
    "sample_mask",
    "view",
    "view_mask",
]
