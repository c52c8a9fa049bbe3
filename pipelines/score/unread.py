"""What an input holds besides the photos that a night plans: counted, and named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipelines import files
from pipelines.chunks.frozen import Frozen

NAMED: Final = 100
"""Places that a summary names; the others are counted."""

_SHOWN: Final = 3


class Unread(Frozen):
    """A place of the input whose photos nobody knows.

    Attributes:
        uri: A folder, or a file of records.
        why: In a few words.
        photos: How many records are lost, by the size of the others; 0 for a folder.
    """

    uri: str
    why: str
    photos: int = 0


@dataclass(frozen=True)
class Aside:
    """What a listing has besides photos.

    Attributes:
        ignored: Files that are no photos by their names.
        left_out: Name or pattern -> folders and files that were left out for it.
        unread: Places that could not be read.
    """

    ignored: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    unread: Sequence[Unread] = ()

    @property
    def folders(self) -> int:
        """How many folders could not be listed."""
        return sum(not place.photos for place in self.unread)

    @property
    def lost(self) -> int:
        """How many records are behind damage, by the size of the others."""
        return sum(place.photos for place in self.unread)


def aside_of(
    survey: files.Survey | None, *, ignored: int = 0, lost: Sequence[Unread] = ()
) -> Aside:
    """Returns what a look at an input found besides photos, in the order of names."""
    if survey is None:
        return Aside(ignored, unread=tuple(sorted(lost, key=lambda one: one.uri)))
    folders = [Unread(uri=uri, why=why) for uri, why in survey.unreadable.items()]
    unread = sorted([*folders, *lost], key=lambda one: one.uri)
    return Aside(ignored, dict(sorted(survey.left_out.items())), tuple(unread))


def left_out_text(left_out: Mapping[str, int]) -> str:
    """Returns what was left out and how often, in one line."""
    counts = ", ".join(f"{name} {count}" for name, count in left_out.items())
    return f"left out by name: {counts}"


def unread_text(places: Sequence[Unread], total: int) -> str:
    """Returns which places could not be read, the first of them, in one line.

    Args:
        places: Some of them.
        total: How many there are.
    """
    shown = "; ".join(f"{place.uri}: {place.why}" for place in places[:_SHOWN])
    more = f"; and {total - _SHOWN} more" if total > _SHOWN else ""
    noun = "place" if total == 1 else "places"
    return f"{total} unreadable {noun}: {shown}{more}"
