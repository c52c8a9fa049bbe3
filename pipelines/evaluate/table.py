"""Photos in a folder and a CSV of how people rated them, measured as they lie there.

The table may hold votes or mean scores, as for `fcn convert folder`; no records are
made. What each photo should get is frozen beside the plan, a line of JSON each, so that
a chunk reads only its own lines.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple, Self

from fcn_core.bad_image import BadImage
from fcn_core.canonical import content_sha256
from fcn_core.datasets.bad_record import BadRecord, ListError
from fcn_core.datasets.own.ratings_table import Ratings, parse_ratings
from fcn_core.images.extensions import PHOTO_EXTENSIONS, REFUSED_EXTENSIONS
from fcn_core.records.dataset_info import DatasetInfo
from pipelines import files
from pipelines.chunks.frozen import Frozen
from pipelines.evaluate.data import Chunk, Data
from pipelines.faults import UsageError

SPLIT: Final = "all"
"""What figures call the rows of a table, which has no splits."""

_PHOTOS: Final = PHOTO_EXTENSIONS | REFUSED_EXTENSIONS


class Row(Frozen):
    """A row of the table: a photo and its ratings, or why it cannot be used.

    Attributes:
        path: Of the photo, below the folder.
        version: What tells its content, see `files.Pinned`; None for any.
        source_id: The photo's name without folder and extension.
        votes: For ratings 1, 2, ...; empty where only the mean is known.
        mean: Of the ratings; None where there are votes.
        std: Of the ratings, where it is known.
        reason: Why the row cannot be used, one of `bad_image.REASONS`; or None.
        detail: More about that.
    """

    path: str = ""
    version: str | None = None
    source_id: str = ""
    votes: tuple[int, ...] = ()
    mean: float | None = None
    std: float | None = None
    reason: str | None = None
    detail: str = ""

    def check(self) -> None:
        """Raises BadImage where the row cannot be used."""
        if self.reason is not None:
            raise BadImage(self.reason, self.detail, stage="read")

    def read(self, folder: str) -> bytes:
        """Returns the photo's bytes.

        Raises:
            BadImage: It cannot be read, or is not the photo that was listed.
        """
        uri = files.join(folder, self.path)
        return files.read_photo(uri, version=self.version, root=folder)


@dataclass(frozen=True)
class RatedPhotos:
    """The rows of a table whose photos lie in the folder `uri`.

    Attributes:
        info: The same as a data set is described, without files.
        split: Always `SPLIT`.
        rows: In the order of their names; those that cannot be used come last.
        bins: Ratings that votes are counted for; 0 where means are given.
    """

    uri: str
    info: DatasetInfo
    rows: tuple[Row, ...]
    bins: int
    split: str = SPLIT

    @classmethod
    def open(cls, folder: str, table: str) -> Self:
        """Lists the photos and reads the table.

        Raises:
            UsageError: There are none, or the table names no photo or no rating.
        """
        uri, table_uri = files.to_uri(folder), files.to_uri(table)
        if not files.is_folder(uri):
            raise UsageError(
                f"--data {uri}: got no folder there, expected the photos that "
                "--targets rates; check the path"
            )
        if not files.is_file(table_uri):
            raise UsageError(
                f"--targets {table_uri}: got no file there, expected a CSV with the "
                "columns image and mean, or image and votes 1, 2, ...; check the path"
            )
        data, name = files.read_bytes(table_uri), table_uri.rpartition("/")[2]
        versions = _versions(uri)
        try:
            ratings = parse_ratings(data, name=name, photos=versions)
        except ListError as error:
            raise UsageError(f"--targets: {error}") from error
        rows = _rows(ratings, versions)
        return cls(uri, _info(uri, rows, name=name, table=data), rows, ratings.bins)

    @cached_property
    def encoded(self) -> bytes:
        """The rows as lines of JSON, which are frozen beside the plan."""
        lines = (row.model_dump_json(exclude_defaults=True) for row in self.rows)
        return "".join(f"{line}\n" for line in lines).encode()

    def chunks(self, size: int) -> tuple[Chunk, ...]:
        """Cuts the rows.

        Args:
            size: Rows a chunk.
        """
        starts, at = [], 0
        for line in self.encoded.splitlines(keepends=True):
            starts.append(at)
            at += len(line)
        return tuple(
            Chunk(
                shard=str(self.info.settings["targets"]),
                first=first,
                records=min(size, len(starts) - first),
                offset=starts[first],
            )
            for first in range(0, len(starts), size)
        )

    def count_bins(self) -> int:
        """Returns how many ratings votes are counted for; 0: only means are known."""
        return self.bins

    def photos(self, split: str) -> "TablePhotos":
        """Returns the photos of the rows."""
        del split
        return TablePhotos(self)


class Seen(NamedTuple):
    """A photo that was read, by its hash and its name."""

    sha256: str
    source_id: str


@dataclass
class TablePhotos:
    """The photos of a table; one that cannot be read is not measured either.

    Attributes:
        is_damaged: Never.
    """

    data: RatedPhotos
    is_damaged: bool = False

    def __iter__(self) -> Iterator[Seen]:
        for row in self.data.rows:
            try:
                row.check()
                photo = row.read(self.data.uri)
            except BadImage:
                continue
            yield Seen(hashlib.sha256(photo).hexdigest(), row.source_id)


Measurable = Data | RatedPhotos
"""What can be measured on: a split of records, or the rows of a table."""


def read_rows(uri: str, chunk: Chunk) -> list[tuple[int, Row]]:
    """Returns the frozen rows of a chunk, and where each begins in their file."""
    rows = []
    with files.open_for_reading(uri) as file:
        at = chunk.offset or 0
        file.seek(at)
        for _ in range(chunk.records):
            line = file.readline()
            rows.append((at, Row.model_validate_json(line)))
            at += len(line)
    return rows


def read_row(uri: str, offset: int) -> Row:
    """Returns the frozen row that begins there."""
    with files.open_for_reading(uri) as file:
        file.seek(offset)
        return Row.model_validate_json(file.readline())


def _versions(folder: str) -> dict[str, str]:
    """Returns path below the folder -> version of each photo there."""

    def is_photo(uri: str) -> bool:
        name = uri.rpartition("/")[2]
        return "." + name.rpartition(".")[2].lower() in _PHOTOS

    try:
        found = [pin for pin in files.walk_pinned(folder, wanted=is_photo) if pin]
    except OSError as error:
        raise UsageError(
            f"--data {folder}: got {str(error.strerror).lower()}, expected a folder "
            "that can be listed; change its rights"
        ) from error
    return {pin.uri.removeprefix(f"{folder}/"): pin.version for pin in found}


def _rows(ratings: Ratings, versions: dict[str, str]) -> tuple[Row, ...]:
    good = []
    for source_id, note in sorted(ratings.notes.items()):
        content: dict[str, Any] = json.loads(note)
        del content["label"]
        version = versions[content["path"]]
        good.append(Row(source_id=source_id, version=version, **content))
    return (*good, *map(_refused, ratings.rejected))


def _refused(bad: BadRecord) -> Row:
    """Returns a row of the table that no photo can be measured by."""
    reason = "vanished" if bad.reason == "missing-image" else "corrupt"
    detail = f"{bad.reason}: {bad.detail}"
    return Row(source_id=bad.source_id, path=bad.path, reason=reason, detail=detail)


def _info(uri: str, rows: tuple[Row, ...], *, name: str, table: bytes) -> DatasetInfo:
    """Returns what the figures say of the data: its fingerprint covers every photo."""
    digest = hashlib.sha256(table).hexdigest()
    photos = [[row.path, row.version] for row in rows if row.reason is None]
    return DatasetInfo(
        dataset=uri.rstrip("/").rpartition("/")[2] or "photos",
        task="aesthetics",
        classes=None,
        void=None,
        splits={},
        rejected={},
        settings={"targets": name},
        fingerprint=content_sha256({"table": digest, "photos": photos}),
    )
