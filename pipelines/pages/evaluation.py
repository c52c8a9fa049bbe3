"""The page of an evaluation: figures, confusion picture, worst photos.

Names come from data sets of strangers: the template escapes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from fcn_core import images
from fcn_core.labels import VOID
from pipelines import files
from pipelines.evaluate.figures import Figures, RatingFigures, SegmentationFigures
from pipelines.evaluate.layout import EvaluationFiles
from pipelines.evaluate.rating_rows import confidence, rating_rows
from pipelines.pages import page, thumbnails
from pipelines.pages.chips import Chip, chip
from pipelines.pages.thumbnails import Picture

_CLASSES_ON_A_CARD: Final = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """One square of the confusion picture; `share` of its row's total."""

    column: int
    row: int
    share: float
    count: int


@dataclass(frozen=True, slots=True)
class Worst:
    """One of the worst photos: pictures are data: URIs, None where there is none."""

    name: str
    size: str
    photo: str | None
    label: str | None
    mask: str | None
    facts: tuple[tuple[str, str], ...]
    chips: tuple[Chip, ...]


def build(figures: Figures, places: EvaluationFiles) -> str:
    """Writes the page of an evaluation.

    Args:
        figures: What was measured.
        places: Where its files are; the worst photos' table among them.

    Returns:
        The page's URI.
    """
    with files.open_for_reading(places.worst) as file:
        rows = pq.read_table(file).to_pylist()
    names = dict(enumerate(figures.classes))
    asked = [thumbnails.ask(row["photo"]) for row in rows if row["photo"] is not None]
    drawn = iter(thumbnails.draw(asked, number=len(asked)))
    pictures = [Picture() if row["photo"] is None else next(drawn) for row in rows]
    text = page.render(
        "evaluation",
        figures=figures,
        segmentation=figures.task == "segmentation",
        headline=_headline(figures),
        **_ratings(figures),
        table=_class_table(figures),
        cells=cells(figures.confusion),
        names=figures.classes,
        worst=[
            _worst(row, picture, task=figures.task, names=names)
            for row, picture in zip(rows, pictures, strict=True)
        ],
    )
    files.write_atomically(places.page, text.encode())
    return places.page


def figure(value: float | None, digits: int = 3) -> str:
    """Returns a figure as text; a dash where there is none."""
    return "\u2013" if value is None else f"{value:.{digits}f}"


def _headline(figures: Figures) -> list[tuple[str, str]]:
    """Returns the figures at the top: name and value."""
    if figures.task == "segmentation":
        named = (
            ("Mean IoU", "miou"),
            ("Pixel accuracy", "pixel_accuracy"),
            ("Mean accuracy", "mean_accuracy"),
            ("Freq. weighted IoU", "frequency_weighted_iou"),
        )
    else:
        named = (
            ("SRCC of means", "srcc_mean"),
            ("LCC of means", "lcc_mean"),
            ("Accuracy", "accuracy"),
            ("EMD, r = 2", "emd_r2"),
        )
    counts = [
        ("Photos", f"{figures.images:,}"),
        ("Failed", f"{figures.failed:,}"),
    ]
    return [(name, figure(getattr(figures, key))) for name, key in named] + counts


def _ratings(figures: Figures) -> dict[str, Any]:
    """Returns what the template knows of ratings beside the figures."""
    if not isinstance(figures, RatingFigures):
        return {}
    return {"ratings": rating_rows(figures), "confidence": confidence(figures)}


def _class_table(figures: Figures) -> list[tuple[Chip, str, str]]:
    """Returns each class with its share of the label's pixels, IoU and accuracy."""
    if not isinstance(figures, SegmentationFigures):
        return []
    pixels = np.array(figures.confusion, np.float64).sum(axis=1)
    shares = pixels / max(pixels.sum(), 1)
    return [
        (
            chip(class_id, float(shares[class_id]), {class_id: name}),
            figure(figures.iou[name]),
            figure(figures.class_accuracy[name]),
        )
        for class_id, name in enumerate(figures.classes)
    ]


def cells(confusion: Sequence[Sequence[int]]) -> list[Cell]:
    """Returns the squares of the confusion picture that are not empty."""
    counts = np.array(confusion, np.int64)
    totals = counts.sum(axis=1)
    return [
        Cell(int(column), int(row), float(counts[row, column] / totals[row]), int(n))
        for row, column in zip(*np.nonzero(counts), strict=True)
        if (n := counts[row, column])
    ]


def _worst(
    row: Mapping[str, Any], picture: Picture, *, task: str, names: Mapping[int, str]
) -> Worst:
    label = mask = None
    chips: tuple[Chip, ...] = ()
    if picture.uri and row["label"] is not None and row["mask"] is not None:
        maps = [images.decode_mask(row[name]) for name in ("label", "mask")]
        shape = (picture.height, picture.width)
        label, mask = (
            thumbnails.overlay_uri(class_map, shape, see_through=())
            for class_map in maps
        )
        chips = _chips(np.stack(maps), names)
    return Worst(
        name=row["filename"],
        size=f"{row['width']} \u00d7 {row['height']}",
        photo=picture.uri,
        label=label,
        mask=mask,
        facts=_facts(row, task),
        chips=chips,
    )


def _chips(maps: np.ndarray, names: Mapping[int, str]) -> tuple[Chip, ...]:
    """Returns the classes of label and prediction together, the largest first."""
    counts = np.bincount(maps[maps != VOID].ravel())
    largest = sorted(np.flatnonzero(counts).tolist(), key=lambda i: -counts[i])
    total = max(counts.sum(), 1)
    return tuple(
        chip(class_id, float(counts[class_id] / total), names)
        for class_id in largest[:_CLASSES_ON_A_CARD]
    )


def _facts(row: Mapping[str, Any], task: str) -> tuple[tuple[str, str], ...]:
    if task == "segmentation":
        return (
            ("IoU", figure(row["iou"])),
            ("Pixel accuracy", figure(row["pixel_accuracy"])),
        )
    return (
        ("Votes", figure(row["target_mean"], 2)),
        ("Predicted", figure(row["predicted_mean"], 2)),
        ("EMD, r = 2", figure(row["emd_r2"])),
    )
