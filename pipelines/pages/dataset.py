"""The page of a data set: the figures of `fcn stats`, and some of its photos.

Names of classes and photos come from strangers: the template escapes them.
"""

import contextlib
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fcn_core import images
from fcn_core.bad_image import BadImage
from fcn_core.labels import RATING_BINS
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
from pipelines.pages import figures, page, thumbnails
from pipelines.pages.chips import (
    BACKGROUND,
    Chip,
    background_ids,
    chip,
    chips_on_card,
    notable_chips,
)
from pipelines.pages.figures import FINE_BINS, Scores
from pipelines.pages.rating_figures import RatingFigure, rating_figure
from pipelines.pages.thumbnails import Picture

_ID: Final = keys(ImageRecord)["source_id"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A record to look at.

    Attributes:
        name: Its id.
        split: Where it is.
        width: Pixels, as stored.
        height: Pixels, as stored.
        photo: `data:` URI.
        overlay: `data:` URI of the label; None for ratings.
        ratings: Of a rated photo: one.
        chips: The largest classes.
    """

    name: str
    split: str
    width: int
    height: int
    photo: str
    overlay: str | None = None
    ratings: tuple[RatingFigure, ...] = ()
    chips: tuple[Chip, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    """A histogram, its title, what it counts, and the digits of its axis."""

    title: str
    note: str
    figure: figures.Histogram
    digits: int


def build(folder: str, output: str, answer: Mapping[str, Any]) -> str:
    """Writes the page beside the figures, replacing an older one; returns its URI.

    Args:
        folder: The data set.
        output: The JSON file of the figures; the page has its name, ending in .html.
        answer: The figures.
    """
    uri = f"{output.removesuffix('.json')}.html"
    info = dataset_info.read_dataset_info(
        folder, exists=files.exists, read=files.read_bytes
    )
    files.write_atomically(uri, _render(folder, info, answer).encode())
    return uri


def _render(
    folder: str, info: dataset_info.DatasetInfo, answer: Mapping[str, Any]
) -> str:
    classes = dict(enumerate(info.classes or ()))
    total = answer["total"]
    rows = [
        (row, chip(row["id"], row["share"] or 0.0, classes))
        for row in total.get("labels", {}).get("classes", ())
        if row["images"]
    ]
    largest = max((row["share"] or 0.0 for row, _ in rows[1:]), default=0.0)
    return page.render(
        "dataset",
        name=files.name_of(folder),
        answer=answer,
        total=total,
        rows=rows,
        largest=largest or 1.0,
        background=BACKGROUND,
        drawings=[
            Drawing(*words, figure=figures.histogram(scores), digits=digits)
            for words, scores, digits in _scores(total)
        ],
        samples=list(_samples(folder, answer["samples"], info)),
        bins=RATING_BINS,
    )


def _scores(
    total: Mapping[str, Any],
) -> Iterator[tuple[tuple[str, str], Scores, int]]:
    """Yields title and note, counts and digits of each histogram."""
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
    """Yields what can be shown: a page is not the place where validation fails."""
    found = []
    for place in wanted:
        with contextlib.suppress(BadImage, RecordError, tfrecord.FrameError, OSError):
            found.append((place["split"], _record(folder, place, info)))
    asked = (thumbnails.ask(r.encoded, r.source_id) for _, r in found)
    pictures = thumbnails.draw(asked, number=len(found))
    for (split, record), picture in zip(found, pictures, strict=True):
        if picture.uri is not None:
            with contextlib.suppress(BadImage, RecordError):
                yield _sample(record, picture, split=split, classes=info.classes)


def _record(
    folder: str, place: Mapping[str, str], info: dataset_info.DatasetInfo
) -> SegmentationRecord | AestheticsRecord:
    data = _find(files.join(folder, place["shard"]), place["id"])
    record = RECORD_OF[info.task].parse(data)
    if hashlib.sha256(record.encoded).hexdigest() != record.sha256:
        raise RecordError(f"{record.source_id}: another photo than its sha256 says")
    return record


def _sample(
    record: SegmentationRecord | AestheticsRecord,
    picture: Picture,
    *,
    split: str,
    classes: Sequence[str] | None,
) -> Sample:
    sample = Sample(
        name=record.source_id,
        split=split,
        width=record.width,
        height=record.height,
        photo=picture.uri or "",
    )
    if isinstance(record, SegmentationRecord):
        names, shape = dict(enumerate(classes or ())), (picture.height, picture.width)
        return _add_label(sample, record, shape=shape, names=names)
    return _add_rating(sample, record)


def _find(uri: str, source_id: str) -> bytes:
    """Returns the record of an id; of the others, only their ids are read."""
    wanted = source_id.encode()
    with files.open_for_reading(uri) as file:
        for data in tfrecord.read_frames(file):
            if wanted in data:
                example = tfrecord.example_class().FromString(data).features.feature
                if example[_ID].bytes_list.value[:1] == [wanted]:
                    return data
    raise RecordError(f"{source_id}: got no record of this id in its shard")


def _add_label(
    sample: Sample,
    record: SegmentationRecord,
    *,
    shape: Sequence[int],
    names: Mapping[int, str],
) -> Sample:
    class_map = images.decode_mask(record.label)
    counts = np.bincount(class_map.ravel())
    pixels = {i: int(counts[i]) for i in np.flatnonzero(counts).tolist() if i in names}
    chips = notable_chips(pixels, names, total=class_map.size)
    hidden = background_ids(names)
    overlay = thumbnails.overlay_uri(class_map, shape, see_through=hidden)
    return replace(sample, overlay=overlay, chips=chips_on_card(chips))


def _add_rating(sample: Sample, record: AestheticsRecord) -> Sample:
    total = sum(record.votes) or 1
    shares = tuple(votes / total for votes in record.votes)
    bins = RATING_BINS[: len(shares)] or RATING_BINS
    figure = rating_figure(
        "mean",
        "Mean rating",
        score=record.mean,
        spread=None if math.isnan(record.std) else record.std,
        shares=shares,
        bins=bins,
    )
    return replace(sample, ratings=(figure,))
