"""A drawn miniature of Pascal VOC: photos of simple shapes with their labels.

It stands in for the real data set where there is none: in tests, and where the whole
way from conversion to scores is shown without a download. Every class has a shape
and a colour of its own, every object a rim of void, as VOC's have; the same seed draws
the same bytes.
"""

import dataclasses
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from fcn_core import images
from fcn_core.datasets.pascal import voc
from fcn_core.labels import VOC_CLASSES, VOID

_RIM: Final = 2
"""Pixels of void on either side of an object's outline."""
_JPEG_QUALITY: Final = 92

Outline = tuple[tuple[float, float], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Figure:
    """One class's look: (x, y) corners in a unit square, RGB colour, height / width.

    Two corners are an ellipse that fills the box between them.
    """

    outline: Outline
    colour: tuple[int, int, int]
    aspect: float


_FIGURES: Final = {
    VOC_CLASSES.index(name): figure
    for name, figure in {
        "aeroplane": _Figure(((0, 0.6), (1, 0), (0.8, 1)), (215, 215, 225), 0.6),
        "bottle": _Figure(
            ((0.3, 0), (0.7, 0), (0.7, 0.3), (1, 0.5), (1, 1), (0, 1), (0, 0.5)),
            (30, 140, 70),
            2.2,
        ),
        "bus": _Figure(((0, 0), (1, 0), (1, 1), (0, 1)), (200, 40, 40), 0.5),
        "cat": _Figure(((0, 0), (1, 1)), (220, 140, 40), 0.8),
        "tvmonitor": _Figure(((0, 0), (1, 0.1), (1, 0.9), (0, 1)), (50, 40, 140), 0.8),
    }.items()
}

DRAWN_CLASSES: Final[tuple[int, ...]] = tuple(sorted(_FIGURES))
"""The class ids that can be drawn."""


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """A drawn photo, uint8 `[H, W, 3]` RGB, and its class map, uint8 `[H, W]`."""

    pixels: NDArray[np.uint8]
    class_map: NDArray[np.uint8]


def draw_scene(
    seed: int, *, height: int, width: int, classes: Sequence[int] | None = None
) -> Scene:
    """Draws one photo.

    Args:
        seed: Decides places, sizes, shades and, without `classes`, the classes.
        height: Pixels, at least 16.
        width: Pixels, at least 16.
        classes: The objects to draw, from far to near; one or two by default.
    """
    random = np.random.default_rng([seed, height, width])
    if classes is None:
        classes = random.permutation(DRAWN_CLASSES)[: random.integers(1, 3)].tolist()
    pixels = _background(random, height, width)
    class_map = np.zeros((height, width), np.uint8)
    for class_id in classes:
        _draw_object(random, class_id, pixels=pixels, class_map=class_map)
    pixels += random.normal(0, 4, pixels.shape)
    return Scene(pixels.clip(0, 255).astype(np.uint8), class_map)


def write_pair(root: Path, source_id: str, scene: Scene) -> None:
    """Writes a scene where a VOC tree has its photo and its palette label."""
    photo = io.BytesIO()
    Image.fromarray(scene.pixels).save(photo, "JPEG", quality=_JPEG_QUALITY)
    for path, data in (
        (voc.image_path(source_id), photo.getvalue()),
        (voc.label_path(source_id), images.encode_mask(scene.class_map)),
    ):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def write_list(
    root: Path, split: str, ids: Iterable[str], *, final_newline: bool = True
) -> None:
    """Writes the list file of a split."""
    file = root / voc.list_path(split)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(ids) + ("\n" if final_newline else "")
    file.write_text(text, encoding="utf-8")


def write_voc(
    root: Path,
    *,
    train: int,
    val: int,
    sizes: Sequence[tuple[int, int]] = ((96, 128), (128, 96), (112, 120)),
    seed: int = 0,
) -> None:
    """Writes a whole miniature VOC tree with the lists train, val and trainval.

    Args:
        root: The folder that plays VOCdevkit/VOC2012.
        train: How many pairs to train on.
        val: How many pairs to evaluate on.
        sizes: Height and width of the photos, in turn.
        seed: Of all drawing.
    """
    ids = [f"2007_{number:06d}" for number in range(train + val)]
    for number, source_id in enumerate(ids):
        height, width = sizes[number % len(sizes)]
        scene = draw_scene(seed + number, height=height, width=width)
        write_pair(root, source_id, scene)
    write_list(root, "train", ids[:train])
    write_list(root, "val", ids[train:])
    write_list(root, "trainval", ids)


def _background(
    random: np.random.Generator, height: int, width: int
) -> NDArray[np.float64]:
    """Returns float64 `[H, W, 3]`: a muted colour that changes from top to bottom."""
    top, bottom = random.uniform(70, 180, (2, 1, 1, 3)) * 0.4 + 75
    slope = np.linspace(0, 1, height)[:, None, None]
    return np.broadcast_to(
        top * (1 - slope) + bottom * slope, (height, width, 3)
    ).copy()


def _draw_object(
    random: np.random.Generator,
    class_id: int,
    *,
    pixels: NDArray[np.float64],
    class_map: NDArray[np.uint8],
) -> None:
    """Draws one object into both arrays, its rim of void over what lies behind."""
    figure = _FIGURES[class_id]
    height, width = class_map.shape
    scale = random.uniform(0.45, 0.7) * min(width, height / figure.aspect)
    box = np.array([scale, scale * figure.aspect])
    corner = random.uniform(0, 1, 2) * (np.array([width, height]) - box)
    corners = [tuple(corner + box * point) for point in figure.outline]
    mask = Image.new("L", (width, height))
    if len(corners) == 2:
        ImageDraw.Draw(mask).ellipse(corners, fill=1)
    else:
        ImageDraw.Draw(mask).polygon(corners, fill=1)
    inside = np.asarray(mask) == 1
    shade = random.uniform(0.85, 1.15)
    pixels[inside] = np.multiply(figure.colour, shade)
    outer = np.asarray(mask.filter(ImageFilter.MaxFilter(2 * _RIM + 1))) == 1
    inner = np.asarray(mask.filter(ImageFilter.MinFilter(2 * _RIM + 1))) == 1
    class_map[inside] = class_id
    class_map[outer & ~inner] = VOID
