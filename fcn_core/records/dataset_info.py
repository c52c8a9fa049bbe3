"""A converted data set on disk: shards, `dataset_info.json`, and `COMPLETED` last.

The converter writes these files, training and evaluation read them: one description
for both. A folder without `COMPLETED` is a conversion that did not end; it is refused.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, Self

import pydantic

from fcn_core.labels import Task

SCHEMA_VERSION: Final = 1
INFO_NAME: Final = "dataset_info.json"
SCHEMA_NAME: Final = "schema.pbtxt"
LABEL_MAP_NAME: Final = "label_map.json"
REJECTED_NAME: Final = "rejected.parquet"
WARNINGS_NAME: Final = "warnings.parquet"
COMPLETED_NAME: Final = "COMPLETED"


class DatasetError(Exception):
    """A folder is not a finished data set of this schema."""


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True)


class Shard(_Strict):
    """One TFRecord file of a split."""

    name: str
    records: int
    bytes: int
    sha256: str


class Split(_Strict):
    """The outcome of a list of ids: read = records + rejected.

    Attributes:
        read: Lines of the list that name something.
        records: Examples written, over all shards.
        rejected: Lines in `rejected.parquet`, over all reasons.
        published: How many the published data set has in this split, where known.
        shards: How many files hold the records.
        files: Those files, in order.
    """

    read: int
    records: int
    rejected: int
    published: int | None = None
    shards: int
    files: list[Shard]

    @pydantic.model_validator(mode="after")
    def _accounts_for_every_line(self) -> Self:
        if self.read != self.records + self.rejected:
            raise ValueError(
                f"read {self.read}, but written {self.records} + rejected "
                f"{self.rejected}; every line must be either"
            )
        if self.records != sum(shard.records for shard in self.files):
            raise ValueError(f"the shards do not hold the {self.records} records")
        if self.shards != len(self.files):
            raise ValueError(f"{len(self.files)} files listed for {self.shards} shards")
        return self


class DatasetInfo(_Strict):
    """The content of `dataset_info.json`.

    Attributes:
        schema_version: Of this description and of the record type.
        dataset: Which converter wrote it, for example "voc".
        task: "segmentation" or "aesthetics".
        classes: Class names by id, None for ratings.
        void: The label value that is neither trained on nor evaluated.
        splits: By name.
        rejected: Reason -> count, over all splits.
        warnings: Reason -> count of records that are suspect but written;
            they are listed in `warnings.parquet`.
        pixels: Class id or void -> pixels of all labels; empty for ratings, and in data
            sets of versions that did not count them.
        remarks: Sentences for the person who trains on it.
        settings: Those that the bytes depend on.
        fingerprint: The sha256 over the names and hashes of all shards.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    dataset: str
    task: Task
    classes: list[str] | None
    void: int | None
    splits: dict[str, Split]
    rejected: dict[str, int]
    warnings: dict[str, int] = {}
    pixels: dict[str, int] = {}
    remarks: list[str] = []
    settings: dict[str, pydantic.JsonValue]
    fingerprint: str

    @property
    def label_pixels(self) -> dict[int, int]:
        """Class id or void -> pixels of all labels."""
        return {int(value): count for value, count in self.pixels.items()}

    def to_json(self) -> str:
        """Returns the file's text, the same for the same content."""
        return json.dumps(self.model_dump(mode="json"), indent=2) + "\n"

    def shard_paths(self, folder: Path, split: str) -> list[Path]:
        """Returns the TFRecord files of a split, in order.

        Raises:
            DatasetError: There is no such split.
        """
        return [folder / name for name in self.shard_names(str(folder), split)]

    def shard_names(self, folder: str, split: str) -> list[str]:
        """Returns the names of a split's TFRecord files, in order.

        Args:
            folder: Of the data set, for the message.
            split: Its name.

        Raises:
            DatasetError: There is no such split.
        """
        if split not in self.splits:
            raise DatasetError(
                f"{folder}: got split {split!r}, expected one of "
                f"{sorted(self.splits)}; convert again with --split {split}"
            )
        return [shard.name for shard in self.splits[split].files]


def fingerprint(splits: dict[str, Split]) -> str:
    """Returns the sha256 hex digest that identifies the examples of all splits."""
    lines = sorted(
        f"{shard.sha256} {shard.name}\n"
        for split in splits.values()
        for shard in split.files
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _exists(path: str) -> bool:
    return Path(path).exists()


def _read(path: str) -> bytes:
    return Path(path).read_bytes()


def read_dataset_info(
    folder: str | Path,
    *,
    exists: Callable[[str], bool] = _exists,
    read: Callable[[str], bytes] = _read,
) -> DatasetInfo:
    """Returns the description of a finished data set.

    Args:
        folder: The data set.
        exists: Whether something is there; the default asks the disk.
        read: Returns the bytes of a file.

    Raises:
        DatasetError: `folder` is not one: absent, not completed, or of another schema.
    """
    info, completed = f"{folder}/{INFO_NAME}", f"{folder}/{COMPLETED_NAME}"
    if not exists(str(folder)):
        raise DatasetError(
            f"{folder}: got nothing there, expected a finished data set; check the path"
        )
    if missing := [name for name in (info, completed) if not exists(name)]:
        name = missing[0].rpartition("/")[2]
        raise DatasetError(
            f"{folder}: got a folder without {name}, expected a finished data set; "
            "run its `fcn convert` command (again), which goes on where it stopped"
        )
    return parse_dataset_info(read(info), info)


def parse_dataset_info(data: bytes, name: str) -> DatasetInfo:
    """Returns the description of a data set from the bytes of its file.

    Args:
        data: Content of `dataset_info.json`.
        name: Of the file, for the message.

    Raises:
        DatasetError: It is of another schema.
    """
    try:
        return DatasetInfo.model_validate_json(data)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DatasetError(
            f"{name}: {where or 'content'}: {first['msg']}; expected schema version "
            f"{SCHEMA_VERSION}, convert the data set again"
        ) from error
