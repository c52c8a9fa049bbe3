"""What a conversion is asked to do: lists read, splits derived, roots named.

Everything that a data set decides before a photo is opened is decided here; the rest
of the conversion is the same for all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from pydantic import Field, JsonValue

from fcn_core.bad_image import BadImage
from fcn_core.datasets.bad_record import ListError, MissingDatasetError
from fcn_core.datasets.listing import Listing, Split
from fcn_core.datasets.pascal import protocols
from fcn_core.datasets.splits import shared_ids
from fcn_core.labels import Task
from fcn_core.records.record import SegmentationRecord, keys
from pipelines import files
from pipelines.chunks.frozen import Frozen
from pipelines.convert.config import ConvertConfig
from pipelines.faults import UsageError

_SHOWN_IDS: Final = 3
LABELS_KEY: Final = keys(SegmentationRecord)["classes"]


class Content(Frozen):
    """What a data set is, beside its entries.

    Attributes:
        dataset: The name, such as voc or folder.
        task: What it trains.
        maker: Name of the `Maker` of its records, see `fcn_core.datasets.makers`.
        maker_settings: What the maker is built from.
        roots: Name -> folder of the files.
        classes: Names by id; None for ratings, or where only the labels name them.
        void: The label value that is no class; None for ratings.
        are_values_named: Whether someone has said what the values of labels mean: the
            published data set, or the person who converts.
        names: Other names of `label_map.json`: kind -> id -> name.
        narrower: Closer bounds of `schema.pbtxt`, see `fcn_core.records.schema`.
        remarks: Sentences for the person who trains on it.
    """

    dataset: str
    task: Task
    maker: str
    maker_settings: dict[str, JsonValue]
    roots: dict[str, str]
    classes: list[str] | None
    void: int | None
    are_values_named: bool = True
    names: dict[str, dict[str, str]] = Field(default={})
    narrower: dict[str, dict[str, JsonValue]] = Field(default={})
    remarks: list[str] = Field(default=[])


@dataclass(frozen=True)
class Draft:
    """A conversion before it is planned.

    Attributes:
        content: What the data set is.
        splits: Its entries.
        settings: What the person asked for, as far as it decides bytes; without lists.
    """

    content: Content
    splits: Mapping[str, Split]
    settings: dict[str, JsonValue]


def read_source(uri: str) -> bytes:
    """Returns the bytes of a photo or label.

    Raises:
        FileNotFoundError: There is no such file.
        BadImage: It cannot be read, with the reason.
    """
    try:
        return files.read_photo(uri, version=None)
    except BadImage as bad:
        if bad.reason == "vanished":
            raise FileNotFoundError(uri) from bad
        raise


def read_list(uri: str) -> bytes:
    """Returns a list, however long it is.

    Raises:
        FileNotFoundError: There is no such file, or it is not a file.
        UsageError: It cannot be read.
    """
    if not files.is_file(uri):
        raise FileNotFoundError(uri)
    try:
        return files.read_bytes(uri)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageError(
            f"--input {uri}: got {str(error.strerror).lower()}, expected a list that "
            "can be read; check its rights"
        ) from error


Config = TypeVar("Config", bound=ConvertConfig)


def make_draft(make: Callable[[Config], Draft], config: Config) -> Draft:
    """Drafts a conversion and checks it.

    Raises:
        UsageError: Lists are missing, empty, contradict themselves, or share photos.
    """
    try:
        draft = make(config)
    except (MissingDatasetError, ListError, protocols.SplitCountError) as error:
        raise UsageError(f"--input: {error}") from error
    for name, split in draft.splits.items():
        if not split.read:
            raise UsageError(
                f"--input: the split {name} is empty, expected at least one entry; "
                "leave it out with --split"
            )
    if not config.allow_leak:
        _check_leaks(draft.splits)
    return draft


def _check_leaks(splits: Mapping[str, Split]) -> None:
    """Refuses splits that share photos: scores on one would flatter the other."""
    members = {name: split.ids for name, split in splits.items()}
    for (first, second), ids in shared_ids(members).items():
        some = ", ".join(ids[:_SHOWN_IDS]) + ", ..." * (len(ids) > _SHOWN_IDS)
        raise UsageError(
            f"--split: {first} and {second} share {len(ids)} ids ({some}), expected "
            "none; name other splits, or pass --allow_leak if that is meant"
        )


def keep_splits(listing: Listing, names: Sequence[str], *, expected: str) -> Listing:
    """Returns a listing with some of its splits, all if none is named.

    Raises:
        UsageError: It has no such split; `expected` says which it has.
    """
    for name in names:
        if name not in listing.splits:
            raise UsageError(f"--split: got {name}, expected {expected}")
    kept = sorted(names or listing.splits)
    return replace(listing, splits={name: listing.splits[name] for name in kept})
