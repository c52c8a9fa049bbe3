"""What lanes do before and after a device: decode and fit, class map, PNG.

A night's own functions where their packages are installed. Without simplejpeg Pillow
decodes photos and encodes masks; figures name what was used.
"""

import importlib
import importlib.util
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_core import geometry
from fcn_core.geometry import Placement, Size
from fcn_core.labels import VOC_PALETTE

CLASSES: Final = 21
STRIDE: Final = 8

_ROOT: Final = Path(__file__).resolve().parents[2]
_ENDINGS: Final = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Steps:
    """The functions of a lane.

    Attributes:
        decode: Bytes, and the longest side that is wanted -> RGB, perhaps larger.
        class_map: See `fcn_core.scoring.class_maps.class_map`.
        encode: A class map -> PNG.
        used: What decodes and encodes.
    """

    decode: Callable[[bytes, int], NDArray[np.uint8]]
    class_map: Callable[..., NDArray[np.uint8]]
    encode: Callable[[NDArray[np.uint8]], bytes]
    used: str


def steps() -> Steps:
    """Returns what can be used here."""
    class_map = _class_map()
    try:
        from fcn_core import images
    except ImportError as error:
        return Steps(_decode, class_map, _encode, f"Pillow ({error})")

    def decode(data: bytes, side: int) -> NDArray[np.uint8]:
        return images.decode(data, max_side=side).pixels

    return Steps(decode, class_map, images.encode_mask, "fcn_core")


def _class_map() -> Callable[..., NDArray[np.uint8]]:
    """Returns the function; the file needs less than the package around it."""
    name = "fcn_core.scoring.class_maps"
    try:
        return importlib.import_module(name).class_map
    except ImportError:
        file = _ROOT / "fcn_core/scoring/class_maps.py"
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None and spec.loader is not None
        module: Any = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module.class_map


def _decode(data: bytes, side: int) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as photo:
        photo.draft("RGB", (side, side))
        return np.asarray(photo.convert("RGB"))


def _encode(class_map: NDArray[np.uint8]) -> bytes:
    mask = Image.fromarray(class_map)
    mask.putpalette(VOC_PALETTE.tobytes())
    buffer = io.BytesIO()
    mask.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def fitted(pixels: NDArray[np.uint8], canvas: Size) -> tuple[NDArray[Any], Placement]:
    """Fits a photo into a canvas, in its top left corner.

    Args:
        pixels: uint8 RGB `[h, w, 3]`.
        canvas: Height and width, pixels.

    Returns:
        uint8 `[H, W, 3]`, and where the photo lies.
    """
    height, width = pixels.shape[:2]
    scale = min(canvas.height / height, canvas.width / width)
    size = Size(
        max(1, min(canvas.height, round(height * scale))),
        max(1, min(canvas.width, round(width * scale))),
    )
    resized = Image.fromarray(pixels).resize(
        (size.width, size.height), Image.Resampling.BILINEAR, reducing_gap=2.0
    )
    whole = np.zeros((*canvas, 3), np.uint8)
    whole[: size.height, : size.width] = np.asarray(resized)
    original = geometry.Size(height, width)
    return whole, Placement(original=original, fitted=size, padded=canvas)


def photo_files(folder: Path, most: int) -> list[Path]:
    """Returns photos of a folder and of those in it, in the order of their names."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS)
    return sorted(found)[:most]


def draw_photos(folder: Path, count: int) -> list[Path]:
    """Draws JPEGs of 500 x 375 pixels, about as large as real ones of that size."""
    made = []
    for number in range(count):
        random = np.random.default_rng(number)
        coarse = random.integers(0, 256, (12, 16, 3), np.uint8)
        smooth = Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC)
        noise = random.normal(0, 9, (375, 500, 1))
        pixels = np.clip(np.asarray(smooth) + noise, 0, 255).astype(np.uint8)
        path = folder / f"{number:05}.jpg"
        Image.fromarray(pixels).save(path, quality=90)
        made.append(path)
    return made


def draw_logits(canvas: Size, seed: int) -> NDArray[np.float32]:
    """Draws logits as a network gives them: a few objects, with borders between.

    Args:
        canvas: Of the photo, pixels.
        seed: Of what is drawn.

    Returns:
        float32 `[H / 8, W / 8, 21]`.
    """
    random = np.random.default_rng(seed)
    rows, columns = (-(-side // STRIDE) for side in canvas)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    logits = random.normal(-4, 0.5, (rows, columns, CLASSES)).astype(np.float32)
    logits[..., 0] = 4
    for label in random.choice(np.arange(1, CLASSES), 3, replace=False):
        middle_y, middle_x = random.uniform(0.2, 0.8, 2) * (rows, columns)
        radius = random.uniform(0.1, 0.25) * min(rows, columns)
        away = np.hypot(y - middle_y, x - middle_x)
        logits[..., label] = np.clip(12 * (1 - away / (2 * radius)), -6, 10)
    return logits


def border_share(logits: Sequence[NDArray[np.float32]]) -> float:
    """Returns the share of cells whose right or lower neighbour has another class."""
    shares = []
    for each in logits:
        winners = each.argmax(-1)
        differs = np.zeros(winners.shape, bool)
        differs[:, :-1] |= winners[:, :-1] != winners[:, 1:]
        differs[:-1] |= winners[:-1] != winners[1:]
        shares.append(differs.mean())
    return float(np.mean(shares))
