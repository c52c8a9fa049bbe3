"""VOC and SBD together: the train and val splits that papers train and score on.

Every split is derived from the user's own list files by set algebra, so no list is
shipped. On complete trees the number of ids must be the published one.

| name | train | val |
|---|---|---|
| trainaug (DeepLab) | (VOC train + SBD) - VOC val | VOC val |
| fcn (arXiv 1605.06211) | SBD train | seg11valid = VOC 2011 val - SBD train |
| restricted-1 | all labelled - val | VOC val |
| restricted-2 | all labelled - val | VOC val - SBD train |
| restricted-3 | all labelled - val | VOC val - SBD |
| keras-fcn (kevinddchen/Keras-FCN) | all labelled - val | first 1,200 of SBD val |
"""

from collections.abc import Callable, Collection, Iterable, Set
from dataclasses import dataclass
from typing import Final, Literal

from fcn_core.datasets.bad_record import BadRecord, MissingDatasetError
from fcn_core.datasets.listing import Listing, Split
from fcn_core.datasets.makers import Read
from fcn_core.datasets.pascal import sbd, voc
from fcn_core.datasets.splits import IdList, read_ids

Prefer = Literal["voc", "sbd"]

_KERAS_FCN_VAL: Final = 1200
_SEG11_LIST: Final = "seg11valid"


@dataclass(frozen=True)
class BaseLists:
    """The lists that everything is derived from.

    Attributes:
        voc_train: VOC 2012's.
        voc_val: VOC 2012's.
        sbd_train: SBD's.
        sbd_val: SBD's.
        seg11: What plays VOC 2011 val; None where it is not needed.
    """

    voc_train: IdList
    voc_val: IdList
    sbd_train: IdList
    sbd_val: IdList
    seg11: IdList | None

    @property
    def complete(self) -> bool:
        """Whether every list has as many ids as the published one."""
        return (
            len(self.voc_train.ids) == voc.PUBLISHED["train"]
            and len(self.voc_val.ids) == voc.PUBLISHED["val"]
            and len(self.sbd_train.ids) == sbd.PUBLISHED["train"]
            and len(self.sbd_val.ids) == sbd.PUBLISHED["val"]
        )

    @property
    def in_voc(self) -> frozenset[str]:
        """Ids that VOC has a label of."""
        return frozenset((*self.voc_train.ids, *self.voc_val.ids))

    @property
    def in_sbd(self) -> frozenset[str]:
        """Ids that SBD has a label of."""
        return frozenset((*self.sbd_train.ids, *self.sbd_val.ids))


@dataclass(frozen=True)
class Protocol:
    """A way to divide VOC and SBD.

    Attributes:
        published: Ids of its splits on complete trees.
        validation: Lists -> ids of val.
        training: Lists and val -> ids of train.
        val_lists: Attributes of `BaseLists` that val is made of; what cannot be used
            in them counts for val, in all others for train.
    """

    published: dict[str, int]
    validation: Callable[[BaseLists], Iterable[str]]
    training: Callable[[BaseLists, Collection[str]], Iterable[str]]
    val_lists: tuple[str, ...] = ("voc_val",)


def _everything_else(lists: BaseLists, val: Collection[str]) -> Set[str]:
    return (lists.in_voc | lists.in_sbd) - set(val)


def _seg11valid(lists: BaseLists) -> set[str]:
    listed = lists.seg11.ids if lists.seg11 is not None else ()
    return set(listed) - set(lists.sbd_train.ids)


PROTOCOLS: Final = {
    "trainaug": Protocol(
        published={"train": 10582, "val": 1449},
        validation=lambda lists: lists.voc_val.ids,
        training=lambda lists, val: (
            (lists.in_sbd | set(lists.voc_train.ids)) - set(val)
        ),
    ),
    "fcn": Protocol(
        published={"train": 8498, "val": 736},
        validation=_seg11valid,
        training=lambda lists, val: lists.sbd_train.ids,
        val_lists=("seg11",),
    ),
    "restricted-1": Protocol(
        published={"train": 10582, "val": 1449},
        validation=lambda lists: lists.voc_val.ids,
        training=_everything_else,
    ),
    "restricted-2": Protocol(
        published={"train": 11127, "val": 904},
        validation=lambda lists: set(lists.voc_val.ids) - set(lists.sbd_train.ids),
        training=_everything_else,
    ),
    "restricted-3": Protocol(
        published={"train": 11685, "val": 346},
        validation=lambda lists: set(lists.voc_val.ids) - lists.in_sbd,
        training=_everything_else,
    ),
    "keras-fcn": Protocol(
        published={"train": 10831, "val": 1200},
        validation=lambda lists: sorted(lists.sbd_val.ids)[:_KERAS_FCN_VAL],
        training=_everything_else,
        val_lists=("sbd_val",),
    ),
}
"""By name; `voc` needs no SBD and is not among them."""


class SplitCountError(Exception):
    """Complete lists do not give the published number of ids."""


def read_base_lists(
    voc_root: str, sbd_root: str, read: Read, *, seg11: bool
) -> BaseLists:
    """Reads the lists of both trees.

    Args:
        voc_root: Folder VOCdevkit/VOC2012.
        sbd_root: Folder benchmark_RELEASE/dataset.
        read: Hands out a file's bytes.
        seg11: Whether VOC 2011's validation list is needed, too.

    Raises:
        MissingDatasetError: A list is not there.
    """
    return BaseLists(
        voc_train=voc.split_ids(voc_root, "train", read),
        voc_val=voc.split_ids(voc_root, "val", read),
        sbd_train=sbd.split_ids(sbd_root, "train", read),
        sbd_val=sbd.split_ids(sbd_root, "val", read),
        seg11=_read_seg11(voc_root, sbd_root, read) if seg11 else None,
    )


def derive(lists: BaseLists, name: str, *, prefer: Prefer) -> Listing:
    """Returns train and val of a protocol.

    Args:
        lists: Of both trees.
        name: A key of `PROTOCOLS`.
        prefer: Whose label an id gets that has both.

    Raises:
        SplitCountError: Complete lists give another number of ids than published.
    """
    protocol = PROTOCOLS[name]
    val = tuple(protocol.validation(lists))
    ids = {"train": tuple(protocol.training(lists, val)), "val": val}
    if lists.complete:
        _check_counts(name, ids, protocol.published)
    splits = {
        split: Split(
            ids=tuple(sorted(members)),
            notes=tuple(label_sources(lists, sorted(members), prefer=prefer)),
            rejected=_rejected(lists, protocol, split),
            published=protocol.published[split],
        )
        for split, members in ids.items()
    }
    return Listing(splits, remarks=_leaks(lists, ids))


def label_sources(
    lists: BaseLists, ids: Iterable[str], *, prefer: Prefer
) -> list[Prefer]:
    """Returns whose label each id gets: "voc" or "sbd".

    An id that neither tree lists gets VOC's: seg11valid's photos are VOC's.
    """
    in_voc, in_sbd = lists.in_voc, lists.in_sbd
    if prefer == "sbd":
        return ["sbd" if source_id in in_sbd else "voc" for source_id in ids]
    return [
        "voc" if source_id in in_voc or source_id not in in_sbd else "sbd"
        for source_id in ids
    ]


def _check_counts(
    name: str, ids: dict[str, tuple[str, ...]], published: dict[str, int]
) -> None:
    for split, members in ids.items():
        if len(members) != published[split]:
            raise SplitCountError(
                f"{split} of {name} has {len(members)} ids, expected "
                f"{published[split]} from complete lists; take the lists of VOC 2012 "
                "and of SBD's benchmark_RELEASE as they were published"
            )


def _rejected(
    lists: BaseLists, protocol: Protocol, split: str
) -> tuple[BadRecord, ...]:
    names = ("voc_train", "voc_val", "sbd_train", "sbd_val", "seg11")
    used = [
        getattr(lists, name)
        for name in names
        if (name in protocol.val_lists) == (split == "val")
    ]
    return tuple(bad for listed in used if listed for bad in listed.rejected)


def _leaks(lists: BaseLists, ids: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Returns a sentence where scores on VOC's val would be flattered."""
    leaked = len(set(ids["train"]) & set(lists.voc_val.ids))
    if not leaked:
        return ()
    return (
        f"train holds {leaked} of the {len(lists.voc_val.ids)} photos of VOC's val: a "
        "model trained on it must not be scored there",
    )


def _read_seg11(voc_root: str, sbd_root: str, read: Read) -> IdList:
    """Returns seg11valid, or VOC 2011's val, of which it is a part.

    Raises:
        MissingDatasetError: Neither is there.
    """
    parent = voc_root.rstrip("/").rpartition("/")[0] or "."
    candidates = (
        (voc_root, voc.list_path(_SEG11_LIST)),
        (sbd_root, sbd.list_path(_SEG11_LIST)),
        (f"{parent}/VOC2011", voc.list_path("val")),
    )
    for root, path in candidates:
        ids = read_ids(root, path, read, pattern=voc.ID)
        if ids is not None:
            return ids
    raise MissingDatasetError(
        f"{voc_root}: got neither {voc.list_path(_SEG11_LIST)} nor VOC 2011's lists "
        "beside it, expected one for the protocol fcn (736 ids: VOC 2011 val - SBD "
        "train); unpack VOCtrainval_25-May-2011.tar, or add that list"
    )
