"""AVA's protocols: who trains and who tests."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from fcn_core.datasets import votes
from fcn_core.datasets.ava import protocols
from fcn_core.datasets.ava import table as ava_table
from fcn_core.datasets.listing import Split
from tests.drawn import tiny_ava
from tests.drawn.tiny_data import read


def table_of(count: int) -> ava_table.Table:
    lines = [tiny_ava.line(n, n, tiny_ava.votes(n)) for n in range(1, count + 1)]
    return ava_table.parse_table("\n".join(lines).encode())


def official(table: ava_table.Table, package: Path, *names: str) -> Mapping[str, Split]:
    return protocols.by_list(
        table,
        {},
        root=str(package),
        read=read,
        names=names or ("train", "test"),
        protocol="official",
    ).splits


def test_official_tests_on_the_list_and_trains_on_the_rest(package: Path) -> None:
    table = table_of(40)
    tiny_ava.write_list(package, "generic_test", [1, 5, 9, 777])
    splits = official(table, package)
    assert splits["test"].ids == ("1", "5", "9")
    assert set(splits["train"].ids) == set(table.rows) - {"1", "5", "9"}
    (absent,) = splits["test"].rejected
    assert (absent.reason, absent.source_id) == ("not-in-table", "777")
    assert (splits["test"].read, splits["test"].published) == (4, 20_000)


def test_ava1_trains_on_clear_photos_and_tests_on_all(package: Path) -> None:
    table = table_of(40)
    delta = Fraction("0.5")
    splits = protocols.by_list(
        table,
        {},
        root=str(package),
        read=read,
        names=("train", "test"),
        protocol="ava1",
        delta=delta,
    ).splits
    means = {i: votes.exact_mean(row.votes) for i, row in table.rows.items()}
    assert len(splits["test"].ids) == 10
    expected = {
        source_id
        for source_id, mean in means.items()
        if abs(mean - 5) >= delta and source_id not in splits["test"].ids
    }
    assert set(splits["train"].ids) == expected and 0 < len(expected) < 30


def test_named_lists_are_splits_of_their_own(package: Path) -> None:
    splits = official(table_of(40), package, "portrait_train")
    assert splits["portrait_train"].ids == tuple("2345678")
    assert splits["portrait_train"].published is None


def test_ava2_halves_the_best_and_the_worst_tenth() -> None:
    table = table_of(105)
    splits = protocols.best_and_worst(table, {}, seed=0).splits
    train, test = (set(splits[name].ids) for name in ("train", "test"))
    assert (len(train), len(test)) == (10, 10) and not train & test
    ranked = sorted(table.rows, key=lambda o: votes.exact_mean(table.rows[o].votes))
    assert train | test == set(ranked[:10]) | set(ranked[-10:])
    for split in splits.values():
        for source_id, note in zip(split.ids, split.notes, strict=True):
            assert f'"label":{int(source_id in ranked[-10:])}' in note
    again = protocols.best_and_worst(table, {}, seed=0).splits
    assert set(again["train"].ids) == train
    other = protocols.best_and_worst(table, {}, seed=1).splits
    assert set(other["train"].ids) != train


def test_ties_at_the_cut_go_by_number() -> None:
    lines = [tiny_ava.line(n, 10 * n, tiny_ava.MIDDLE) for n in range(20, 0, -1)]
    table = ava_table.parse_table("\n".join(lines).encode())
    splits = protocols.best_and_worst(table, {}, seed=0).splits
    chosen = {int(i) for split in splits.values() for i in split.ids}
    assert chosen == {10, 20, 190, 200}


def test_fewer_than_ten_photos_have_no_tenth() -> None:
    splits = protocols.best_and_worst(table_of(9), {}, seed=0).splits
    assert [split.ids for split in splits.values()] == [(), ()]


def test_unusable_rows_count_for_the_split_they_would_be_in(package: Path) -> None:
    table = ava_table.parse_table(
        "\n".join(
            [
                tiny_ava.line(1, 1, (0,) * 10),
                tiny_ava.line(2, 2, (0,) * 10),
                "words",
                tiny_ava.line(3, 3, tiny_ava.votes(3)),
            ]
        ).encode()
    )
    tiny_ava.write_list(package, "generic_test", [1, 4])
    splits = official(table, package)
    reasons = {
        name: [bad.reason for bad in split.rejected] for name, split in splits.items()
    }
    assert reasons == {
        "train": ["no-votes", "bad-row"],
        "test": ["no-votes", "not-in-table"],
    }
