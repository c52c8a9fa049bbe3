"""What each `fcn convert` command asks for: lists read, splits derived, roots named.

Everything that a data set decides before a photo is opened is decided here; the rest
of the conversion is the same for all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, JsonValue

from fcn_core.bad_image import BadImage
from fcn_core.datasets.bad_record import ListError, MissingDatasetError
from fcn_core.datasets.listing import Split
from fcn_core.datasets.pascal import protocols
from fcn_core.datasets.splits import shared_ids
from fcn_core.labels import Task
from fcn_core.records.record import SegmentationRecord, keys
from pipelines import files
from pipelines.faults import UsageError

_MANY: Final = 3
LABELS_KEY: Final = keys(SegmentationRecord)["classes"]


class Content(BaseModel):
    """What a data set is, beside its entries.

    Attributes:
        dataset: voc, sbd, ava or folder.
        task: what it trains.
        maker: name of the `Maker` of its records, see `fcn_core.datasets.makers`.
        maker_settings: what the maker is built from.
        roots: name -> folder of the files.
        classes: names by id; None for ratings, or where only the labels tell.
        void: the label value that is no class; None for ratings.
        names: what else `label_map.json` tells: kind -> id -> name.
        narrower: closer bounds of `schema.pbtxt`, see `fcn_core.records.schema`.
        remarks: sentences for the person who trains on it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    task: Task
    maker: str
    maker_settings: dict[str, JsonValue]
    roots: dict[str, str]
    classes: list[str] | None
    void: int | None
    names: dict[str, dict[str, str]] = {}
    narrower: dict[str, dict[str, JsonValue]] = {}
    remarks: list[str] = []


@dataclass(frozen=True)
class Draft:
    """A conversion before it is planned.

    Attributes:
        content: what the data set is.
        splits: its entries.
        settings: what the person asked for, as far as it decides bytes; without lists.
    """

    content: Content
    splits: Mapping[str, Split]
    settings: dict[str, JsonValue]


def read_source(uri: str) -> bytes:
    """Returns a file of the data set; how it fails is the data set's business.

    Raises:
        FileNotFoundError: there is no such file.
        BadImage: it cannot be read, with the reason.
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
        FileNotFoundError: there is no such file, or it is not a file.
        UsageError: it cannot be read.
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


def drafted(make: Callable[[Any], Draft], config: Any) -> Draft:
    """Returns what a data set asks for; what it lacks is a usage error.

    Raises:
        UsageError: lists are missing, empty, contradict themselves, or share photos.
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
    check_leaks(draft.splits, allowed=config.allow_leak)
    return draft


def check_leaks(splits: Mapping[str, Split], *, allowed: bool) -> None:
    """Refuses splits that share photos: scores on one would flatter the other.

    Raises:
        UsageError: names two splits and some of the ids.
    """
    if allowed:
        return
    members = {name: split.ids for name, split in splits.items()}
    for (one, other), ids in shared_ids(members).items():
        some = ", ".join(ids[:_MANY]) + (", ..." if len(ids) > _MANY else "")
        raise UsageError(
            f"--split: {one} and {other} share {len(ids)} ids ({some}), expected none; "
            "name other splits, or pass --allow_leak if that is meant"
        )
