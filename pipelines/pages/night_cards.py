"""The cards of the page's grid: one photo, its mask, its ratings, its classes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fcn_core.labels import RatingTask
from pipelines import files
from pipelines.lanes.messages import Answer, Request
from pipelines.pages import thumbnails
from pipelines.pages.chips import Chip, background_ids, chips_on_card, notable_chips
from pipelines.pages.rating_figures import TITLES, RatingFigure, rating_figure
from pipelines.pages.thumbnails import Picture
from pipelines.score import masks
from pipelines.score.rows import ScoreRow

Bins = Mapping[RatingTask, Sequence[float]]
"""Task -> the ratings of its model, for the models that rated."""


@dataclass(frozen=True, slots=True)
class Card:
    """One photo of the grid.

    Attributes:
        name: File name as text to show; `uri` is the whole address.
        photo: `data:` URI of the thumbnail, or None; then `missing` says why.
        overlay: `data:` URI of the mask, or None where there is none.
        ratings: One for each model that rated.
        chips: The largest classes, background only where there is nothing else.
        class_ids: Every class the filter finds this photo by.
    """

    name: str
    uri: str
    width: int
    height: int
    photo: str | None
    missing: str
    overlay: str | None
    ratings: tuple[RatingFigure, ...]
    chips: tuple[Chip, ...]
    class_ids: tuple[int, ...]


def ask(row: ScoreRow) -> Request | Answer:
    """Returns what a lane is asked about a scored photo, which is read here."""
    return thumbnails.ask_again(row.image_uri, version=row.version, sha256=row.sha256)


def card(
    row: ScoreRow,
    picture: Picture,
    *,
    mask_files: masks.Reader,
    names: Mapping[int, str],
    bins: Bins,
) -> Card:
    """Returns the card of a scored photo; its mask is read here.

    Args:
        row: Of the scores table.
        picture: Of its photo.
        mask_files: Of the output that the row's mask path is relative to.
        names: Of the classes, by id.
        bins: Task -> the ratings that the shares of the votes belong to.
    """
    chips = chips_of(row, names)
    return Card(
        name=files.name_of(row.image_uri),
        uri=row.image_uri,
        width=row.width or 0,
        height=row.height or 0,
        photo=picture.uri,
        missing=picture.missing,
        overlay=_overlay(row, picture, mask_files=mask_files, names=names),
        ratings=tuple(_ratings(row, bins)),
        chips=chips_on_card(chips),
        class_ids=tuple(chip.class_id for chip in chips),
    )


def _ratings(row: ScoreRow, bins: Bins) -> Iterator[RatingFigure]:
    for task, ratings in bins.items():
        mean = getattr(row, f"{task}_mean")
        if mean is not None:
            yield rating_figure(
                task,
                TITLES[task],
                score=mean,
                spread=getattr(row, f"{task}_std"),
                shares=getattr(row, f"{task}_ratings") or (),
                bins=ratings,
            )


def _overlay(
    row: ScoreRow,
    picture: Picture,
    *,
    mask_files: masks.Reader,
    names: Mapping[int, str],
) -> str | None:
    """Returns a row's mask as large as its picture, None where one is missing."""
    if picture.uri is None or not row.mask_path:
        return None
    size = (picture.height, picture.width)
    class_map = thumbnails.mask_indices(
        mask_files, row.mask_path, sha256=row.mask_sha256, size=size
    )
    if class_map is None:
        return None
    return thumbnails.overlay_uri(class_map, size, see_through=background_ids(names))


def chips_of(row: ScoreRow, names: Mapping[int, str]) -> list[Chip]:
    """Returns the notable classes of a photo, the largest first."""
    counts = row.segmentation_pixels or []
    pixels = dict(zip(row.segmentation_classes or [], counts, strict=True))
    return notable_chips(pixels, names, total=sum(counts))
