"""The page of `fcn diff`: two nights side by side, and the photos that changed most.

Names of photos and classes come from strangers: the template escapes them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fcn_core.labels import RATING_TASKS
from pipelines import files
from pipelines.chunks.read_ahead import read_ahead
from pipelines.diff.difference import Difference, Example, Side
from pipelines.diff.spread import QUANTILES, Spread
from pipelines.lanes.messages import Answer, Request
from pipelines.pages import page, thumbnails
from pipelines.pages.rating_figures import TITLES
from pipelines.pages.thumbnails import Picture
from pipelines.score import masks

_KINDS: Final[Mapping[str, str]] = {
    **{str(task): f"{title}: largest shifts" for task, title in TITLES.items()},
    "dominant": "Another dominant class",
    "new_failures": "New failures",
    "only_before": "Only in the first night",
    "only_after": "Only in the second night",
}
"""Kind of change -> its heading, in the order of the page."""

_NOTABLE_SHIFT: Final = 0.0005
"""Of a class's share of the pixels; smaller ones are not listed."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo of the page.

    Attributes:
        name: Its file's name; `uri` is the whole address.
        photo: `data:` URI of the thumbnail, or None; then `missing` says why.
        overlays: `data:` URIs of its masks in both nights, None where one is missing.
        facts: What is said of it: name, first night, second night.
    """

    name: str
    uri: str
    photo: str | None
    missing: str
    overlays: tuple[str | None, str | None]
    facts: tuple[tuple[str, str, str], ...]


def build(difference: Difference, *, out: str, uri: str, command: str) -> str:
    """Writes the page, replacing an older one; returns its URI.

    Args:
        difference: The two nights.
        out: The output that they are of.
        uri: Of the page.
        command: What the person typed.
    """
    nights = (difference.before, difference.after)
    text = page.render(
        "difference",
        difference=difference,
        nights=nights,
        ratings=list(_ratings(difference)),
        pixels=[
            (name, *(night.pixels.get(name, 0.0) for night in nights), shift)
            for name, shift in difference.pixels.items()
            if abs(shift) >= _NOTABLE_SHIFT
        ],
        failures=_failures(difference),
        shown=[
            (title, _shown(out, difference.examples[kind]))
            for kind, title in _KINDS.items()
            if difference.examples.get(kind)
        ],
        command=command,
    )
    files.write_atomically(uri, text.encode())
    return uri


def _ratings(
    difference: Difference,
) -> Iterator[tuple[str, list[tuple[str, ...]], int]]:
    """Yields title, rows (name, first, second, shift) and moved photos of each task."""
    for task in RATING_TASKS:
        before = difference.before.ratings.get(task)
        after = difference.after.ratings.get(task)
        moved = difference.ratings.get(task)
        if before is None and after is None:
            continue
        spreads = (before, after, moved.shift if moved else None)
        rows: list[tuple[str, ...]] = [
            ("Mean", *(_figure(s and s.mean) for s in spreads))
        ]
        for share in QUANTILES:
            found = (s and s.quantiles.get(f"{share:g}") for s in spreads)
            rows.append((f"{share:.0%}", *map(_figure, found)))
        yield TITLES[task], rows, moved.moved if moved else 0


def _figure(value: float | Spread | None) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "\u2013"


def _failures(difference: Difference) -> list[tuple[str, int, int, int, int]]:
    """Returns reason, photos of each night, new ones, and those that are ok now."""
    counts = (
        difference.before.failures,
        difference.after.failures,
        difference.new_failures,
        difference.mended,
    )
    reasons = sorted({reason for each in counts for reason in each})
    return [
        (reason, *(each.get(reason, 0) for each in counts))  # type: ignore[misc]
        for reason in reasons
    ]


def _shown(out: str, examples: Sequence[Example]) -> list[Shown]:
    reader, threads = masks.Reader(out), files.parallel_reads(out)
    photos = read_ahead(examples, _ask, threads=threads, depth=2 * threads)
    pictures = thumbnails.draw(photos, number=len(examples))
    return [
        _photo(reader, example, picture)
        for example, picture in zip(examples, pictures, strict=True)
    ]


def _ask(example: Example) -> Request | Answer:
    if example.sha256 is None:
        return Answer(reply={"missing": "never read"})
    return thumbnails.ask_again(
        example.image_uri, version=example.version, sha256=example.sha256
    )


def _photo(reader: masks.Reader, example: Example, picture: Picture) -> Shown:
    sides = (example.before, example.after)
    first, second = (_overlay(reader, side, picture) for side in sides)
    return Shown(
        name=files.name_of(example.image_uri),
        uri=example.image_uri,
        photo=picture.uri,
        missing=picture.missing,
        overlays=(first, second),
        facts=tuple(_facts(*sides)),
    )


def _overlay(reader: masks.Reader, side: Side | None, picture: Picture) -> str | None:
    if side is None or side.mask_path is None or picture.uri is None:
        return None
    size = (picture.height, picture.width)
    class_map = thumbnails.mask_indices(
        reader, side.mask_path, sha256=side.mask_sha256, size=size
    )
    return None if class_map is None else thumbnails.overlay_uri(class_map, size)


def _facts(before: Side | None, after: Side | None) -> Iterator[tuple[str, str, str]]:
    """Yields what the nights say of a photo, where one of them says anything."""
    names = {
        "reason": "Failed",
        "dominant_class": "Class",
        **{f"{task}_mean": title for task, title in TITLES.items()},
    }
    for field, title in names.items():
        values = [getattr(side, field) if side else None for side in (before, after)]
        if values != [None, None]:
            first, second = (v if isinstance(v, str) else _figure(v) for v in values)
            yield title, first, second
