"""Splits of VOC and SBD by set algebra: the published counts, no leak, no surprise."""

import dataclasses
import os
from pathlib import Path

import pytest

from fcn_core.datasets.bad_record import MissingDatasetError
from fcn_core.datasets.listing import Listing
from fcn_core.datasets.pascal import protocols
from fcn_core.datasets.pascal.protocols import (
    PROTOCOLS,
    BaseLists,
    derive,
    read_base_lists,
)
from fcn_core.datasets.splits import IdList, shared_ids
from tests.drawn import full_lists
from tests.drawn.tiny_data import read

PUBLISHED = {
    "trainaug": (10582, 1449),
    "fcn": (8498, 736),
    "restricted-1": (10582, 1449),
    "restricted-2": (11127, 904),
    "restricted-3": (11685, 346),
    "keras-fcn": (10831, 1200),
}
FULL = full_lists.draw()


def base_lists(lists: full_lists.FullLists = FULL) -> BaseLists:
    fields = dataclasses.asdict(lists)
    fields["seg11"] = fields.pop("voc11_val")
    return BaseLists(**{name: IdList(ids, ()) for name, ids in fields.items()})


def ids(listing: Listing, split: str) -> set[str]:
    return set(listing.splits[split].ids)


def test_the_drawn_lists_have_the_published_overlaps() -> None:
    train, val = set(FULL.voc_train), set(FULL.voc_val)
    sbd_train, sbd_val = set(FULL.sbd_train), set(FULL.sbd_val)
    assert base_lists().complete
    assert not train & val and not sbd_train & sbd_val
    assert len(train | val | sbd_train | sbd_val) == 12031
    assert len((train | val) & (sbd_train | sbd_val)) == 2237
    assert (len(val & sbd_train), len(val & sbd_val)) == (545, 558)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_complete_lists_give_the_published_counts(name: str) -> None:
    listing = derive(base_lists(), name, prefer="voc")
    train, val = listing.splits["train"], listing.splits["val"]
    assert (len(train.ids), len(val.ids)) == PUBLISHED[name]
    assert (train.published, val.published) == PUBLISHED[name]
    assert not shared_ids({"train": train.ids, "val": val.ids})
    assert list(train.ids) == sorted(set(train.ids))


def test_trainaug_is_element_for_element_its_definition() -> None:
    listing = derive(base_lists(), "trainaug", prefer="voc")
    sbd = set(FULL.sbd_train) | set(FULL.sbd_val)
    assert ids(listing, "train") == (set(FULL.voc_train) | sbd) - set(FULL.voc_val)
    sources = dict(
        zip(listing.splits["train"].ids, listing.splits["train"].notes, strict=True)
    )
    counts = {s: list(sources.values()).count(s) for s in ("voc", "sbd")}
    assert counts == {"voc": 1464, "sbd": 9118}


def test_who_is_preferred_decides_the_labels_of_both() -> None:
    train = derive(base_lists(), "trainaug", prefer="sbd").splits["train"]
    assert train.notes.count("voc") == 330
    sources = dict(zip(train.ids, train.notes, strict=True))
    sbd = set(FULL.sbd_train) | set(FULL.sbd_val)
    assert all((sources[i] == "sbd") == (i in sbd) for i in train.ids)


def test_the_fcn_papers_val_is_voc_2011s_whose_photos_may_be_strangers() -> None:
    lists = dataclasses.replace(
        base_lists(), seg11=IdList((*FULL.voc11_val, "2011_999999"), ())
    )
    lists = dataclasses.replace(lists, sbd_val=IdList(FULL.sbd_val[1:], ()))
    val = derive(lists, "fcn", prefer="sbd").splits["val"]
    sources = dict(zip(val.ids, val.notes, strict=True))
    assert sources["2011_999999"] == "voc"
    assert len(val.ids) == 737


def test_training_on_vocs_val_is_a_remark() -> None:
    (remark,) = derive(base_lists(), "keras-fcn", prefer="voc").remarks
    leaked = len(
        ids(derive(base_lists(), "keras-fcn", prefer="voc"), "train")
        & set(FULL.voc_val)
    )
    assert f"{leaked} of the 1449" in remark and leaked > 0
    (remark,) = derive(base_lists(), "restricted-2", prefer="voc").remarks
    assert "545 of the 1449" in remark
    assert derive(base_lists(), "trainaug", prefer="voc").remarks == ()


def test_complete_lists_of_another_release_are_refused() -> None:
    moved = dataclasses.replace(
        FULL, sbd_train=(*FULL.sbd_train[:-1], FULL.sbd_val[-1])
    )
    with pytest.raises(protocols.SplitCountError, match="expected 10582"):
        derive(base_lists(moved), "trainaug", prefer="voc")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_partial_lists_are_divided_by_the_same_rule(name: str) -> None:
    few = full_lists.FullLists(*(tuple(ids)[::7] for ids in dataclasses.astuple(FULL)))
    listing = derive(base_lists(few), name, prefer="voc")
    assert not ids(listing, "train") & ids(listing, "val")
    assert listing.splits["train"].published == PUBLISHED[name][0]


@pytest.mark.parametrize("seg11", ["voc2011", "seg11valid"])
def test_lists_are_read_from_both_trees(tmp_path: Path, seg11: str) -> None:
    voc_root, sbd_root = full_lists.write(tmp_path, FULL, seg11=seg11)
    lists = read_base_lists(str(voc_root), str(sbd_root), read, seg11=True)
    assert lists.complete and lists.voc_val.ids == FULL.voc_val
    listing = derive(lists, "fcn", prefer="voc")
    assert len(listing.splits["val"].ids) == 736


def test_a_missing_list_of_voc_2011_names_its_archive(tmp_path: Path) -> None:
    voc_root, sbd_root = full_lists.write(tmp_path, FULL)
    with pytest.raises(MissingDatasetError, match=r"seg11valid.*VOC 2011.*\.tar"):
        read_base_lists(str(voc_root), str(sbd_root), read, seg11=True)
    read_base_lists(str(voc_root), str(sbd_root), read, seg11=False)
    (sbd_root / "val.txt").unlink()
    with pytest.raises(MissingDatasetError, match=r"benchmark\.tgz"):
        read_base_lists(str(voc_root), str(sbd_root), read, seg11=False)


def test_bad_lines_count_where_their_list_goes(tmp_path: Path) -> None:
    voc_root, sbd_root = full_lists.write(tmp_path, FULL)
    with (sbd_root / "train.txt").open("a") as file:
        file.write("no id\n")
    with (voc_root / "ImageSets/Segmentation/val.txt").open("a") as file:
        file.write(f"\n{FULL.voc_val[0]}\n")
    lists = read_base_lists(str(voc_root), str(sbd_root), read, seg11=False)
    splits = derive(lists, "trainaug", prefer="voc").splits
    assert [bad.reason for bad in splits["train"].rejected] == ["bad-list-line"]
    assert [bad.reason for bad in splits["val"].rejected] == ["duplicate-id"]
    assert splits["val"].read == 1450


@pytest.mark.skipif(
    not {"FCN_SBD_ROOT", "FCN_VOC_ROOT"} <= set(os.environ),
    reason="FCN_SBD_ROOT (public lists) and FCN_VOC_ROOT are not set",
)
def test_the_public_lists_are_what_the_protocol_derives() -> None:
    folder = Path(os.environ["FCN_SBD_ROOT"])
    mats, pngs, val = (
        tuple((folder / f"keras_fcn_{name}.txt").read_text().split())
        for name in ("train_mat", "train_png", "val_mat")
    )
    # Which ids are SBD's train is not known; any division that keeps its size will do.
    in_sbd = sorted({*mats, *val})
    sbd_val = tuple(sorted({*val, *in_sbd[-(2857 - 1200) :]}))
    assert sbd_val[:1200] == val
    lists = BaseLists(
        voc_train=IdList(pngs, ()),
        voc_val=IdList((), ()),
        sbd_train=IdList(tuple(sorted(set(in_sbd) - set(sbd_val))), ()),
        sbd_val=IdList(sbd_val, ()),
        seg11=None,
    )
    listing = derive(lists, "keras-fcn", prefer="sbd")
    assert listing.splits["val"].ids == val
    assert ids(listing, "train") == {*mats, *pngs}
    assert listing.splits["train"].notes.count("voc") == 676
