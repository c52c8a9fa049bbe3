"""Dense CRF: class borders that follow the photo's own (Krähenbühl and Koltun, 2011).

Optional: it needs the package pydensecrf2 (`pip install 'fcn[crf]'`), takes seconds for
a photo and is not part of scoring.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class RefinementError(Exception):
    """Refinement is not possible here; the message names the cure."""


@dataclass(frozen=True, kw_only=True)
class CrfSettings:
    """How strongly neighbouring pixels want one class (equation 3 of the paper).

    Attributes:
        iterations: Of mean field inference.
        smoothness: Weight of nearness alone.
        smoothness_pixels: Its reach, a standard deviation in pixels.
        appearance: Weight of nearness and like colour together.
        appearance_pixels: Its reach in pixels.
        appearance_colour: Its reach in colour values of 0..255.
    """

    iterations: int = 5
    smoothness: float = 3.0
    smoothness_pixels: float = 3.0
    appearance: float = 10.0
    appearance_pixels: float = 80.0
    appearance_colour: float = 13.0


def refine(
    pixels: NDArray[np.uint8],
    shares: NDArray[np.float32],
    *,
    settings: CrfSettings | None = None,
) -> NDArray[np.uint8]:
    """Refines a class map by the photo's colours.

    Args:
        pixels: uint8 `[H, W, 3]` RGB.
        shares: float32 `[H, W, C]`, what `class_shares` returns.
        settings: Of the CRF.

    Returns:
        uint8 `[H, W]` class ids.

    Raises:
        RefinementError: The package is not installed.
        ValueError: The sizes differ.
    """
    if pixels.shape[:2] != shares.shape[:2]:
        raise ValueError(
            f"photo is {list(pixels.shape[:2])}, shares {list(shares.shape[:2])}, "
            "expected one size; compute the shares at the photo's size"
        )
    crf = _import_crf()
    settings = settings or CrfSettings()
    height, width, classes = shares.shape
    field = crf.DenseCRF2D(width, height, classes)
    energy = -np.log(np.clip(shares, 1e-8, 1)).reshape(-1, classes).T
    field.setUnaryEnergy(np.ascontiguousarray(energy, np.float32))
    field.addPairwiseGaussian(
        sxy=settings.smoothness_pixels, compat=settings.smoothness
    )
    field.addPairwiseBilateral(
        sxy=settings.appearance_pixels,
        srgb=settings.appearance_colour,
        rgbim=np.ascontiguousarray(pixels),
        compat=settings.appearance,
    )
    refined = np.asarray(field.inference(settings.iterations))
    return refined.argmax(0).reshape(height, width).astype(np.uint8)


def _import_crf() -> Any:
    try:
        from pydensecrf import densecrf
    except ImportError:
        raise RefinementError(
            "refinement needs the package pydensecrf2, which is not installed; pip "
            "install 'fcn[crf]'"
        ) from None
    return densecrf
