"""The page of a data set: the figures of `fcn stats`, and some of its photos.

One file that opens from disk, alone, in the style of a night's page; it has no script
at all. Names of classes and photos come from strangers and are escaped.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from fcn_core import geometry, images
from fcn_core.bad_image import BadImage
from fcn_core.labels import RATING_BINS, VOID
from fcn_core.records import dataset_info, tfrecord
from fcn_core.records.fields import RecordError
from fcn_core.records.record import (
    RECORD_OF,
    AestheticsRecord,
    ImageRecord,
    SegmentationRecord,
    keys,
)
from pipelines import files
from pipelines.pages import chips as pages_chips
from pipelines.pages import figures, thumbnails
from pipelines.pages.chips import NOTABLE_SHARE, Chip
from pipelines.pages.figures import FINE_BINS, Scores
from pipelines.pages.page import TEMPLATES, environment, policy

_MOST_CHIPS: Final = 3
_ID: Final = keys(ImageRecord)["source_id"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A record to look at.

    Attributes:
        name: its id.
        split: where it is.
        width: pixels, as stored.
        height: pixels, as stored.
        photo: data: URI.
        overlay: data: URI of the label; None for ratings.
        score: mean rating; None for labels.
        spread: its standard deviation, where it is known.
        ratings: share of the votes for each rating; none where only the mean is known.
        boxes: draw them.
        mean_position: where the score is among the boxes, in percent from the left.
        chips: the largest classes.
    """

    name: str
    split: str
    width: int
    height: int
    photo: str
    overlay: str | None = None
    score: float | None = None
    spread: float | None = None
    ratings: tuple[float, ...] = ()
    boxes: tuple[figures.Box, ...] = ()
    mean_position: float | None = None
    chips: tuple[Chip, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    """A histogram and its words: title, what is counted, unit of the axis."""

    title: str
    note: str
    figure: figures.Histogram
    digits: int


def build(folder: str, output: str, answer: Mapping[str, Any]) -> str:
    """Writes the page beside the figures, replacing an older one; returns its URI.

    Args:
        folder: the data set.
        output: the JSON file of the figures; the page has its name, ending in .html.
        answer: the figures.
    """
    page = f"{output.removesuffix('.json')}.html"
    info = dataset_info.read_dataset_info(files.to_path(folder))
    files.write_atomically(page, _render(folder, info, answer).encode())
    return page


def _render(
    folder: str, info: dataset_info.DatasetInfo, answer: Mapping[str, Any]
) -> str:
    style = "".join(
        (TEMPLATES / name).read_text("utf-8") for name in ("night.css", "dataset.css")
    )
    classes = dict(enumerate(info.classes or ()))
    total = answer["total"]
    rows = [
        (row, pages_chips.chip(row["id"], row["share"] or 0.0, classes))
        for row in total.get("labels", {}).get("classes", ())
        if row["images"]
    ]
    largest = max((row["share"] or 0.0 for row, _ in rows[1:]), default=0.0)
    return (
        environment()
        .get_template("dataset.html.j2")
        .render(
            style=Markup(style),
            policy=policy(style),
            name=Path(files.to_path(folder)).name,
            folder=folder,
            answer=answer,
            info=info,
            total=total,
            rows=rows,
            largest=largest or 1.0,
            background=pages_chips.BACKGROUND,
            drawings=[
                Drawing(*words, figure=figures.histogram(scores), digits=digits)
                for words, scores, digits in _scores(total)
            ],
            samples=list(_samples(folder, answer["samples"], info)),
            bins=RATING_BINS,
        )
    )


def _scores(
    total: Mapping[str, Any],
) -> Iterator[tuple[tuple[str, str], Scores, int]]:
    """Yields what there is a histogram of: its words, its counts, digits shown."""
    sides = {int(side): n for side, n in total["photos"]["longer_sides"].items()}
    if sides:
        high = FINE_BINS * (max(sides) // FINE_BINS + 1)
        words = ("Sizes", "Photos by the pixels of their longer side.")
        yield words, _binned(sides, low=0, high=high), 0
    void = total.get("labels", {"void": {"thousandths": {}}})["void"]["thousandths"]
    if any(int(share) for share in void):
        percent = {int(share) / 10: count for share, count in void.items()}
        words = ("Void", "Labels by the percentage of their pixels that is void.")
        yield words, _binned(percent, low=0, high=100), 1
    ratings = total.get("ratings")
    if ratings and ratings["means"]:
        means = {float(mean): count for mean, count in ratings["means"].items()}
        words = ("Mean ratings", "Photos by the mean of their ratings.")
        low, high = min(RATING_BINS), max(RATING_BINS)
        yield words, _binned(means, low=low, high=high), 2
    if ratings and ratings["stds"]:
        stds = {float(std): count for std, count in ratings["stds"].items()}
        words = ("Spread", "Photos by the standard deviation of their ratings.")
        yield words, _binned(stds, low=0, high=(max(RATING_BINS) - 1) / 2), 2


def _binned(counts: Mapping[Any, int], *, low: float, high: float) -> Scores:
    bins: NDArray[np.int64] = np.zeros(FINE_BINS, np.int64)
    for value, count in counts.items():
        place = int((value - low) / (high - low) * FINE_BINS)
        bins[min(max(place, 0), FINE_BINS - 1)] += count
    total = sum(counts.values())
    return Scores(
        low=low,
        high=high,
        counts=bins,
        lowest=min(counts),
        mean=sum(value * count for value, count in counts.items()) / total,
        highest=max(counts),
    )


def _samples(
    folder: str, wanted: Sequence[Mapping[str, str]], info: dataset_info.DatasetInfo
) -> Iterator[Sample]:
    for one in wanted:
        try:
            yield _sample(folder, one, info)
        except (BadImage, RecordError, tfrecord.FrameError, OSError):
            continue  # the page is not the place where validation fails


def _sample(
    folder: str, wanted: Mapping[str, str], info: dataset_info.DatasetInfo
) -> Sample:
    data = _find(files.join(folder, wanted["shard"]), wanted["id"])
    record = RECORD_OF[info.task].parse(data)
    if hashlib.sha256(record.encoded).hexdigest() != record.sha256:
        raise RecordError(f"{record.source_id}: another photo than its sha256 says")
    decoded = images.decode(record.encoded, max_side=thumbnails.THUMBNAIL_SIDE)
    size = geometry.Size(*decoded.pixels.shape[:2])
    fitted = geometry.fit(size, max_side=thumbnails.THUMBNAIL_SIDE)
    pixels = images.resize(decoded.pixels, fitted)
    shown: dict[str, Any] = {
        "name": record.source_id,
        "split": wanted["split"],
        "width": record.width,
        "height": record.height,
        "photo": thumbnails.photo_uri(pixels),
    }
    if isinstance(record, SegmentationRecord):
        names = dict(enumerate(info.classes or ()))
        return Sample(**shown, **_label(record, (fitted.height, fitted.width), names))
    return Sample(**shown, **_rating(record))


def _find(uri: str, source_id: str) -> bytes:
    """Returns the record of an id; only its id is looked at in the others."""
    wanted = source_id.encode()
    for data in tfrecord.read_frames(files.to_path(uri)):
        if wanted in data:
            example = tfrecord.example_class().FromString(data).features.feature
            if example[_ID].bytes_list.value[:1] == [wanted]:
                return data
    raise RecordError(f"{source_id}: got no record of this id in its shard")


def _label(
    record: SegmentationRecord, size: tuple[int, int], names: Mapping[int, str]
) -> dict[str, Any]:
    class_map = images.decode_mask(record.label)
    background = [i for i, name in names.items() if name == pages_chips.BACKGROUND]
    counts = np.bincount(class_map.ravel(), minlength=VOID + 1)
    total = int(counts.sum())
    chips = [
        pages_chips.chip(i, int(counts[i]) / total, names)
        for i in np.flatnonzero(counts).tolist()
        if i in names and counts[i] / total >= NOTABLE_SHARE
    ]
    things = [chip for chip in chips if chip.name != pages_chips.BACKGROUND] or chips
    things.sort(key=lambda chip: (-chip.share, chip.class_id))
    return {
        "overlay": thumbnails.overlay_uri(class_map, size, see_through=background),
        "chips": tuple(things[:_MOST_CHIPS]),
    }


def _rating(record: AestheticsRecord) -> dict[str, Any]:
    total = sum(record.votes) or 1
    shares = tuple(votes / total for votes in record.votes)
    bins = RATING_BINS[: len(shares)] or RATING_BINS
    return {
        "score": record.mean,
        "spread": None if record.std != record.std else record.std,
        "ratings": shares,
        "boxes": figures.rating_boxes(shares),
        "mean_position": figures.position_among(record.mean, bins),
    }
