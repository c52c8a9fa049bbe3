"""Drafts of VOC and SBD: which pairs, which masks win, which splits."""

from collections.abc import Sequence

from pydantic import JsonValue

from fcn_core.datasets.listing import Listing, Split
from fcn_core.datasets.pascal import pairs, protocols, sbd, voc
from fcn_core.labels import VOC_CLASSES, VOID
from pipelines import files
from pipelines.convert.config import ConvertSbdConfig, ConvertVocConfig
from pipelines.convert.drafts.draft import LABELS_KEY, Content, Draft, read_list
from pipelines.faults import UsageError


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
