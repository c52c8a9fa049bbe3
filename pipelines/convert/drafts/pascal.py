"""Drafts of VOC and SBD: which pairs, which masks win, which splits."""

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from fcn_core.datasets.listing import Listing, Split
from fcn_core.datasets.pascal import pairs, protocols, sbd, voc
from fcn_core.labels import VOC_CLASSES, VOID
from pipelines import files
from pipelines.convert.config import ConvertSbdConfig, ConvertVocConfig
from pipelines.convert.drafts.draft import (
    LABELS_KEY,
    Content,
    Draft,
    keep_splits,
    read_list,
)
from pipelines.faults import UsageError

_OWN_NAMES: Final = (
    "the names are not Pascal VOC's, its 21 classes are taken for the labels'; if they "
    "are others, convert JPEGImages and SegmentationClass with fcn convert folder, "
    "--label_map and --split_list"
)


def draft_voc(config: ConvertVocConfig) -> Draft:
    """Returns VOC's splits, or those of VOC and SBD together."""
    root = files.to_uri(config.input)
    sbd_root = files.to_uri(config.sbd) if config.sbd else None
    protocol = config.protocol or ("trainaug" if sbd_root else "voc")
    roots = {pairs.VOC_ROOT: root, pairs.SBD_ROOT: sbd_root or root}
    settings: dict[str, JsonValue] = {"dataset": "voc", "input": root}
    if sbd_root is not None:
        settings["sbd"] = sbd_root
        settings |= config.model_dump(include={"prefer", "void_rim"})
    elif config.void_rim or protocol != "voc":
        what = f"--protocol {protocol}" if protocol != "voc" else "--void_rim"
        raise UsageError(
            f"--sbd is missing, expected SBD's folder benchmark_RELEASE/dataset for "
            f"{what}; {sbd.ARCHIVE} holds it"
        )
    if protocol == "voc":
        listing = _list_voc(roots, config)
    else:
        lists = protocols.read_base_lists(
            root, roots[pairs.SBD_ROOT], read_list, seg11=protocol == "fcn"
        )
        listing = protocols.derive(lists, protocol, prefer=config.prefer)
        expected = f"train or val of --protocol {protocol}"
        listing = keep_splits(listing, config.split, expected=expected)
    return Draft(
        content=_pair_content("voc", roots, config.void_rim, remarks=listing.remarks),
        splits=listing.splits,
        settings={**settings, "protocol": protocol, "split": [*sorted(listing.splits)]},
    )


def _list_voc(roots: Mapping[str, str], config: ConvertVocConfig) -> Listing:
    """Returns VOC's own splits; a photo's note says whose label wins."""
    voc_root, sbd_root = roots[pairs.VOC_ROOT], roots[pairs.SBD_ROOT]
    names = sorted(config.split or voc.splits_present(voc_root, read_list))
    in_sbd: set[str] = set()
    if config.sbd and config.prefer == "sbd":
        for name in sbd.PUBLISHED:
            in_sbd.update(sbd.split_ids(sbd_root, name, read_list).ids)
    splits = {}
    for name in names:
        listed = voc.split_ids(voc_root, name, read_list)
        notes = tuple("sbd" if photo in in_sbd else "voc" for photo in listed.ids)
        published = voc.published(name, listed.ids)
        splits[name] = Split(listed.ids, notes, listed.rejected, published)
    found = [split.ids for split in splits.values() if split.ids]
    is_own = bool(found) and all(map(voc.is_own, found))
    return Listing(splits, (_OWN_NAMES,) if is_own else ())


def draft_sbd(config: ConvertSbdConfig) -> Draft:
    """Returns SBD's own splits."""
    root = files.to_uri(config.input)
    names = sorted(config.split or sbd.splits_present(root, read_list))
    return Draft(
        content=_pair_content(
            "sbd",
            {pairs.VOC_ROOT: root, pairs.SBD_ROOT: root},
            config.void_rim,
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
    dataset: str, roots: dict[str, str], void_rim: int, *, remarks: Sequence[str] = ()
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
