"""A user's own data: splits by hash."""

from fractions import Fraction

import pytest

from fcn_core.datasets.bad_record import BadRecord
from fcn_core.datasets.own import folder


def test_splits_are_stable_and_have_their_shares() -> None:
    shares = {"train": Fraction("0.8"), "val": Fraction("0.2")}
    notes = {f"photo{n}": "" for n in range(4000)}
    splits = folder.deal(notes, [], shares)
    assert abs(len(splits["val"].ids) - 800) < 100
    fewer = folder.deal(dict(list(notes.items())[::3]), [], shares)
    assert set(fewer["val"].ids) <= set(splits["val"].ids)
    assert set(fewer["train"].ids) <= set(splits["train"].ids)
    assert folder.split_of("anything", {"all": Fraction(1)}) == "all"
    with pytest.raises(ValueError, match="add up"):
        for name in notes:
            folder.split_of(name, {"all": Fraction(1, 2)})


def test_a_rejected_photo_counts_for_the_split_it_would_be_in() -> None:
    shares = {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    bad = [
        BadRecord("missing-label", "", stage="list", source_id=f"p{n}")
        for n in range(50)
    ]
    splits = folder.deal({}, bad, shares)
    for name, split in splits.items():
        assert split.rejected
        assert {folder.split_of(bad.source_id, shares) for bad in split.rejected} == {
            name
        }
