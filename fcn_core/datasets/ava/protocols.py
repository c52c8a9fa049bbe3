"""Who trains and who tests on AVA.

| name | train | test | label |
|---|---|---|---|
| official | all others | generic_test | mean above 5 |
| ava1 | all others at least delta away from 5 | generic_test | mean above 5 |
| ava2 | half of the best and the worst tenth | the other half | best or worst |

`official` and `ava1` with delta 0 are the same photos; AVA2's halves were never
published, so a seed decides them. Do not mix the two: AVA2's halves contain photos of
generic_test and of everything else.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final, Literal

from fcn_core.datasets import votes
from fcn_core.datasets.ava import lists
from fcn_core.datasets.ava.table import TABLE_NAME, Table, note_of
from fcn_core.datasets.bad_record import BadRecord, MissingDatasetError
from fcn_core.datasets.listing import Listing, Split
from fcn_core.datasets.makers import Read
from fcn_core.datasets.splits import IdList

Protocol = Literal["official", "ava1", "ava2"]

PUBLISHED: Final[Mapping[str, Mapping[str, int]]] = {
    "official": {"train": 235_600, "test": 20_000},
    "ava1": {"train": 235_600, "test": 20_000},
    "ava2": {"train": 25_553, "test": 25_553},
}
"""Lines of the complete splits; 70 of generic_test's name no row of AVA.txt."""

_TENTH: Final = 10

Styles = Mapping[str, tuple[int, ...]]


def by_list(
    table: Table,
    styles: Styles,
    *,
    root: str,
    read: Read,
    names: Sequence[str],
    protocol: Literal["official", "ava1"],
    delta: Fraction = Fraction(0),
) -> Listing:
    """Returns splits that a list of test photos decides.

    Args:
        table: AVA.txt.
        styles: Of the photos that have any.
        root: AVA.txt's folder.
        read: Hands out a file's bytes.
        names: `train`, `test`, or names of lists of `aesthetics_image_lists`.
        protocol: Whose numbers are published.
        delta: How far from 5 a mean must be to be trained on (not: tested on).

    Raises:
        MissingDatasetError: A list is not there.
    """
    splits = {}
    test: IdList | None = None
    if {"train", "test"} & set(names):
        test = lists.split_ids(root, lists.GENERIC_TEST, read)
    for name in names:
        if name == "train" and test is not None:
            splits[name] = _others(table, styles, test=test, delta=delta)
        elif name == "test" and test is not None:
            splits[name] = _listed(table, styles, ids=test, name=lists.GENERIC_TEST)
        else:
            ids = lists.split_ids(root, name, read)
            splits[name] = _listed(table, styles, ids=ids, name=name)
    return Listing(_with_published(splits, protocol))


def everything(table: Table, styles: Styles) -> Listing:
    """Returns one split, train, of all rows: where no list is there to divide them."""
    empty = IdList((), ())
    remark = (
        f"no {lists.list_path(lists.GENERIC_TEST)} beside AVA.txt: all rows "
        "are in train"
    )
    return Listing({"train": _others(table, styles, test=empty)}, (remark,))


def best_and_worst(table: Table, styles: Styles, *, seed: int) -> Listing:
    """Returns AVA2's splits.

    Args:
        table: AVA.txt.
        styles: Of the photos that have any.
        seed: Decides who is in which half.
    """
    rows = table.rows
    ranked = sorted(rows, key=lambda i: (votes.exact_mean(rows[i].votes), int(i)))
    tenth = len(ranked) // _TENTH
    labels = dict.fromkeys(ranked[:tenth], 0) | dict.fromkeys(ranked[-tenth:], 1)
    if not tenth:
        labels = {}
    dealt = sorted(labels, key=lambda source_id: _chance(source_id, seed))
    half = (len(dealt) + 1) // 2
    label = labels.__getitem__
    splits = {
        "train": _split(
            table, styles, dealt[:half], label=label, rejected=table.rejected
        ),
        "test": _split(table, styles, dealt[half:], label=label),
    }
    return Listing(_with_published(splits, "ava2"))


def _others(
    table: Table, styles: Styles, *, test: IdList, delta: Fraction = Fraction(0)
) -> Split:
    """Returns all rows that are not tested on; unusable lines count here, too."""
    tested = set(test.ids)
    ids = [
        source_id
        for source_id, row in table.rows.items()
        if source_id not in tested and votes.is_clear(row.votes, delta=delta)
    ]
    rejected = [bad for bad in table.rejected if bad.source_id not in tested]
    return _split(table, styles, ids, label=_label_of(table), rejected=rejected)


def _listed(table: Table, styles: Styles, *, ids: IdList, name: str) -> Split:
    """Returns the rows that a list names; a listed id without a row is reported."""
    members = set(ids.ids)
    rejected = [bad for bad in table.rejected if bad.source_id in members]
    explained = {bad.source_id for bad in rejected}
    rejected += ids.rejected
    kept = []
    for source_id in ids.ids:
        if source_id in table.rows:
            kept.append(source_id)
        elif source_id not in explained:
            detail = f"listed, but {TABLE_NAME} has no row of it"
            rejected.append(
                BadRecord(
                    "not-in-table",
                    detail,
                    stage="list",
                    source_id=source_id,
                    path=lists.list_path(name),
                )
            )
    return _split(table, styles, kept, label=_label_of(table), rejected=rejected)


def _label_of(table: Table) -> Callable[[str], int]:
    return lambda source_id: votes.label(table.rows[source_id].votes)


def _split(
    table: Table,
    styles: Styles,
    ids: Sequence[str],
    *,
    label: Callable[[str], int],
    rejected: Iterable[BadRecord] = (),
) -> Split:
    notes = tuple(
        note_of(table.rows[i], styles=styles.get(i, ()), label=label(i)) for i in ids
    )
    return Split(tuple(ids), notes, tuple(rejected))


def _with_published(splits: Mapping[str, Split], protocol: str) -> dict[str, Split]:
    published = PUBLISHED[protocol]
    return {
        name: Split(split.ids, split.notes, split.rejected, published.get(name))
        for name, split in splits.items()
    }


def _chance(source_id: str, seed: int) -> bytes:
    # A hash, not a generator: the same halves with every version of every library.
    return hashlib.sha256(f"ava2:{seed}:{source_id}".encode()).digest()


def has_test_list(root: str, read: Read) -> bool:
    """Returns whether the list of test photos is there."""
    try:
        lists.split_ids(root, lists.GENERIC_TEST, read)
    except MissingDatasetError:
        return False
    return True
