"""Photos made worse on purpose, and the ratings such copies should get.

The `quality` model has never seen AVA's photos or votes; it learns from these copies. A
strength runs from 0 (untouched) to 1 (anyone would complain) and lowers the mean rating
in proportion. Sizes are in pixels of the working size (long side about 512), which is
what the model sees.
"""

import io
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from fcn_core.labels import RATING_BINS

Pixels = NDArray[np.uint8]

UNDEGRADED_MEAN: Final = 6.0
POINTS_LOST: Final = 2.4
"""Mean rating points that strength 1 costs."""

RATING_STD: Final = 1.43
"""Average spread of the votes on one photo of AVA."""


def blur(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Blurs by a Gaussian of radius 0.5..4 pixels (standard deviation)."""
    del rng
    radius = 0.5 + 3.5 * strength
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def noise(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Adds Gaussian noise of standard deviation 4..40, each channel on its own."""
    drawn = rng.standard_normal(pixels.shape, np.float32) * (4 + 36 * strength)
    return np.clip(np.rint(pixels + drawn), 0, 255).astype(np.uint8)


def jpeg(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Encodes as JPEG of quality 20..5 and decodes again."""
    del rng
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=round(20 - 15 * strength))
    return np.asarray(Image.open(buffer))


def exposure(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Exposes 0.5..2.5 stops too dark or too bright, clipped."""
    stops = (0.5 + 2.0 * strength) * rng.choice((-1.0, 1.0))
    linear = (np.arange(256) / 255) ** 2.2 * 2**stops
    table = np.rint(255 * np.clip(linear, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    return table[pixels]


DEGRADATIONS: Final[
    dict[str, Callable[[Pixels, float, np.random.Generator], Pixels]]
] = {"blur": blur, "noise": noise, "jpeg": jpeg, "exposure": exposure}
"""Kind -> its function on uint8 `[H, W, 3]`; equal strengths are equally bad."""


def degrade(
    pixels: Pixels, kind: str, *, strength: float, rng: np.random.Generator
) -> Pixels:
    """Returns a worse copy, uint8 `[H, W, 3]`.

    Args:
        pixels: uint8 `[H, W, 3]` RGB at the working size.
        kind: A key of `DEGRADATIONS`.
        strength: 0..1; 0 returns the photo itself.
        rng: Source of randomness.

    Raises:
        ValueError: The strength is outside 0..1.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength: got {strength}, expected 0..1; correct the call")
    if strength == 0:
        return pixels
    return np.ascontiguousarray(DEGRADATIONS[kind](pixels, strength, rng))


def target_ratings(strength: float) -> NDArray[np.float32]:
    """Returns float32 `[10]`: the rating distribution a degraded copy should get."""
    return rating_distribution(UNDEGRADED_MEAN - POINTS_LOST * strength)


def rating_distribution(mean: float, std: float = RATING_STD) -> NDArray[np.float32]:
    """Returns float32 `[10]`: a normal curve over the bins, shaped like AVA's votes."""
    bins = np.array(RATING_BINS)
    shares = np.exp(-((bins - mean) ** 2) / (2 * std * std))
    return (shares / shares.sum()).astype(np.float32)
