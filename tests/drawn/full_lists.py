"""Lists of ids as long, and overlapping as much, as those of VOC 2012 and SBD."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fcn_core.datasets.pascal import drawn, sbd


@dataclass(frozen=True)
class FullLists:
    """Ids by list; photos exist for none of them."""

    voc_train: tuple[str, ...]
    voc_val: tuple[str, ...]
    sbd_train: tuple[str, ...]
    sbd_val: tuple[str, ...]
    voc11_val: tuple[str, ...]


def draw() -> FullLists:
    """Draws lists with the published sizes and overlaps.

    VOC train meets SBD in 1,134 ids, VOC val SBD's train in 545 and its val in 558; of
    VOC 2011's val 375 ids are in SBD's train, 394 in its val and 342 in neither.
    """
    numbers = iter(range(10**6))

    def take(count: int, year: int = 2008) -> list[str]:
        return [f"{year}_{next(numbers):06d}" for _ in range(count)]

    train_in_train, train_in_val, train_only = take(700), take(434), take(330, 2007)
    val_in_train, val_in_val, val_only = take(545), take(558, 2009), take(346, 2007)
    sbd_train_only, sbd_val_only = take(8498 - 700 - 545), take(2857 - 434 - 558, 2010)
    return FullLists(
        voc_train=_mixed(train_in_train, train_in_val, train_only),
        voc_val=_mixed(val_in_train, val_in_val, val_only),
        sbd_train=_mixed(train_in_train, val_in_train, sbd_train_only),
        sbd_val=_mixed(train_in_val, val_in_val, sbd_val_only),
        voc11_val=_mixed(val_in_train[:375], val_in_val[:394], val_only[:342]),
    )


def _mixed(*parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(i for part in parts for i in part))


def write(root: Path, lists: FullLists, *, seg11: str = "") -> tuple[Path, Path]:
    """Writes the lists as trees; returns VOC's root and SBD's.

    Args:
        root: Where VOCdevkit and benchmark_RELEASE go.
        lists: What to write.
        seg11: "voc2011" writes that tree's val list, "seg11valid" the derived list.
    """
    voc_root = root / "VOCdevkit" / "VOC2012"
    sbd_root = root / "benchmark_RELEASE" / "dataset"
    drawn.write_list(voc_root, "train", lists.voc_train)
    drawn.write_list(voc_root, "val", lists.voc_val, final_newline=False)
    sbd_root.mkdir(parents=True)
    for split, ids in (("train", lists.sbd_train), ("val", lists.sbd_val)):
        (sbd_root / sbd.list_path(split)).write_text("\n".join(ids) + "\n")
    if seg11 == "voc2011":
        drawn.write_list(voc_root.parent / "VOC2011", "val", lists.voc11_val)
    if seg11 == "seg11valid":
        derived = sorted(set(lists.voc11_val) - set(lists.sbd_train))
        drawn.write_list(voc_root, "seg11valid", derived)
    return voc_root, sbd_root
