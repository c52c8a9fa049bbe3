"""What each `fcn convert` command asks for: lists read, splits derived, roots named.

Everything that a data set decides before a photo is opened is decided here; the rest
of the conversion is the same for all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, JsonValue

from fcn_core.bad_image import BadImage
from fcn_core.dataset_info import Task
from fcn_core.datasets import ListError, MissingDatasetError, pairs, protocols, sbd, voc
from fcn_core.datasets.listing import Listing, Split
from fcn_core.datasets.splits import shared_ids
from fcn_core.labels import VOC_CLASSES, VOID
from pipelines import files
from pipelines.convert_config import ConvertSbdConfig, ConvertVocConfig
from pipelines.faults import UsageError

_MANY: Final = 3
LABELS_KEY: Final = "image/segmentation/class/label"


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
        narrower: closer bounds of `schema.pbtxt`, see `fcn_core.record_schema`.
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


def draft_voc(config: ConvertVocConfig) -> Draft:
    """Returns VOC's splits, or those of VOC and SBD together."""
    root = files.to_uri(config.input)
    sbd_root = files.to_uri(config.sbd) if config.sbd else None
    protocol = config.protocol or ("trainaug" if sbd_root else "voc")
    settings: dict[str, JsonValue] = {"dataset": "voc", "input": root}
    if sbd_root is not None:
        settings |= {
            "sbd": sbd_root,
            "prefer": config.prefer,
            "void_rim": config.void_rim,
        }
    elif config.void_rim or protocol != "voc":
        what = f"--protocol {protocol}" if protocol != "voc" else "--void_rim"
        raise UsageError(
            f"--sbd is missing, expected SBD's folder benchmark_RELEASE/dataset for "
            f"{what}; {sbd.ARCHIVE} holds it"
        )
    if protocol == "voc":
        listing = _voc_alone(root, sbd_root, config)
    else:
        listing = _mixed(root, str(sbd_root), protocol, config)
    return Draft(
        content=_pair_content(
            "voc",
            {pairs.VOC_ROOT: root, pairs.SBD_ROOT: sbd_root or root},
            void_rim=config.void_rim,
            remarks=listing.remarks,
        ),
        splits=listing.splits,
        settings={**settings, "protocol": protocol, "split": [*sorted(listing.splits)]},
    )


def _voc_alone(root: str, sbd_root: str | None, config: ConvertVocConfig) -> Listing:
    names = sorted(config.split or voc.splits_present(root, read_list))
    in_sbd: frozenset[str] = frozenset()
    if sbd_root is not None and config.prefer == "sbd":
        lists = [sbd.split_ids(sbd_root, name, read_list) for name in sbd.PUBLISHED]
        in_sbd = frozenset(one for listed in lists for one in listed.ids)
    splits = {}
    for name in names:
        listed = voc.split_ids(root, name, read_list)
        notes = tuple("sbd" if one in in_sbd else "voc" for one in listed.ids)
        published = voc.PUBLISHED.get(name)
        splits[name] = Split(listed.ids, notes, listed.rejected, published)
    return Listing(splits)


def _mixed(
    root: str, sbd_root: str, protocol: str, config: ConvertVocConfig
) -> Listing:
    lists = protocols.read_base_lists(
        root, sbd_root, read_list, seg11=protocol == "fcn"
    )
    listing = protocols.derive(lists, protocol, prefer=config.prefer)
    for name in config.split:
        if name not in listing.splits:
            raise UsageError(
                f"--split: got {name}, expected train or val of --protocol {protocol}"
            )
    names = sorted(config.split or listing.splits)
    return Listing({name: listing.splits[name] for name in names}, listing.remarks)


def draft_sbd(config: ConvertSbdConfig) -> Draft:
    """Returns SBD's own splits."""
    root = files.to_uri(config.input)
    names = sorted(config.split or sbd.splits_present(root, read_list))
    return Draft(
        content=_pair_content(
            "sbd",
            {pairs.VOC_ROOT: root, pairs.SBD_ROOT: root},
            void_rim=config.void_rim,
        ),
        splits={name: sbd.list_split(root, name, read_list) for name in names},
        settings={
            "dataset": "sbd",
            "input": root,
            "void_rim": config.void_rim,
            "split": list(names),
        },
    )


def _pair_content(
    dataset: str,
    roots: dict[str, str],
    *,
    void_rim: int,
    remarks: Sequence[str] = (),
) -> Content:
    return Content(
        dataset=dataset,
        task="segmentation",
        maker="segmentation-pairs",
        maker_settings={"void_rim": void_rim},
        roots=roots,
        classes=list(VOC_CLASSES),
        void=VOID,
        narrower={LABELS_KEY: {"maximum": len(VOC_CLASSES) - 1}},
        remarks=list(remarks),
    )


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
