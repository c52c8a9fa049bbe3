"""A photo and its ratings to a record, whatever table the ratings come from."""

import json
import math
from collections.abc import Sequence
from typing import Any

from fcn_core.datasets.listing import Entry
from fcn_core.datasets.makers import IMAGES_ROOT, Needed, Place
from fcn_core.datasets.photo import Photo, check_photo
from fcn_core.datasets.votes import as_float32, moments
from fcn_core.records.record import AestheticsRecord


class RatingMaker:
    """Makes records of rated photos.

    An entry's note holds the ratings, as `aesthetics_record` takes them, and the
    photo's `path`; without one the photo is `<id>.jpg`, as AVA's are.
    """

    def files(self, entry: Entry) -> tuple[Needed, ...]:
        """Returns the photo."""
        path, _ = _read_note(entry)
        return (Needed((Place(IMAGES_ROOT, path),), "missing-image"),)

    def make(self, entry: Entry, contents: Sequence[bytes]) -> AestheticsRecord:
        """Checks one photo; see `makers.Maker.make`."""
        path, ratings = _read_note(entry)
        photo = check_photo(contents[0], path=path)
        return aesthetics_record(photo, source_id=entry.id, filename=path, **ratings)


def aesthetics_record(
    photo: Photo,
    *,
    source_id: str,
    filename: str,
    votes: Sequence[int] = (),
    mean: float | None = None,
    std: float | None = None,
    label: int = -1,
    tags: Sequence[int] = (),
    challenge: int = 0,
    styles: Sequence[int] = (),
) -> AestheticsRecord:
    """Returns the record of a checked photo and its checked ratings.

    Args:
        photo: As `check_photo` returned it.
        source_id: The photo's id.
        filename: The photo's name.
        votes: For ratings 1, 2, ...; mean and std follow from them where there are any.
        mean: Of the ratings, where there are no votes.
        std: Of the ratings, where there are no votes and it is known.
        label: 1 high, 0 low, -1 not in the protocol.
        tags: AVA's.
        challenge: AVA's.
        styles: AVA's.

    Raises:
        ValueError: There are neither votes nor a mean.
    """
    if votes:
        mean, std = moments(votes)
    if mean is None:
        raise ValueError(
            f"{source_id}: got neither votes nor a mean, expected one of them; correct "
            "the call"
        )
    return AestheticsRecord(
        **photo.fields(),
        filename=filename,
        source_id=source_id,
        votes=tuple(votes),
        vote_count=sum(votes),
        mean=as_float32(mean),
        std=as_float32(math.nan if std is None else std),
        label=label,
        tags=tuple(tags),
        challenge=challenge,
        styles=tuple(styles),
    )


def _read_note(entry: Entry) -> tuple[str, dict[str, Any]]:
    """Returns the path of an entry's photo, and its ratings."""
    note = json.loads(entry.note)
    return note.pop("path", f"{entry.id}.jpg"), note
