"""AVA: its table, its lists, the integer label rule, its protocols."""

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fcn_core.datasets import makers, votes
from fcn_core.datasets.ava import lists, protocols
from fcn_core.datasets.ava import table as ava_table
from fcn_core.datasets.bad_record import ListError, MissingDatasetError
from fcn_core.datasets.listing import Entry
from fcn_core.records.record import AestheticsRecord
from tests.drawn import tiny_ava, tiny_data
from tests.drawn.tiny_data import read

GOOD = tiny_ava.line(1, 953619, (0, 1, 5, 17, 38, 36, 15, 6, 5, 1), (1, 22))


def test_a_row_is_what_it_says() -> None:
    table = ava_table.parse_table(GOOD.encode())
    row = table.rows["953619"]
    assert row.votes == (0, 1, 5, 17, 38, 36, 15, 6, 5, 1)
    assert (row.tags, row.challenge) == ((1, 22), 1396)
    assert table.rejected == ()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_tables_of_any_editor_are_read(end: bytes) -> None:
    data = b"\xef\xbb\xbf" + GOOD.encode() + b"  \n\n" + GOOD[:2].encode()
    data += GOOD[2:].replace("953619", "7").encode() + end
    assert list(ava_table.parse_table(data).rows) == ["953619", "7"]


BAD_ROWS = {
    "bad-row": [
        GOOD.rpartition(" ")[0],
        GOOD + " 1",
        GOOD.replace("38", "38.0"),
        GOOD.replace("953619", "x"),
        GOOD.replace("1396", "-1"),
        "words",
        "\udcff\udcfe",
    ],
    "no-votes": [tiny_ava.line(1, 5, (0,) * 10)],
    "bad-votes": [tiny_ava.line(1, 5, (1, -2, 3, 4, 5, 6, 7, 8, 9, 10))],
    "bad-tag": [
        tiny_ava.line(1, 5, (1,) * 10, (67, 0)),
        tiny_ava.line(1, 5, (1,) * 10, (0, -1)),
    ],
    "duplicate-id": [GOOD],
}


@pytest.mark.parametrize(
    ("reason", "text"), [(r, text) for r, texts in BAD_ROWS.items() for text in texts]
)
def test_each_bad_row_has_its_reason(reason: str, text: str) -> None:
    data = f"{GOOD}\n{text}\n".encode("utf-8", "surrogateescape")
    table = ava_table.parse_table(data)
    (bad,) = table.rejected
    assert (bad.reason, bad.stage, bad.path) == (reason, "list", "AVA.txt")
    assert bad.detail.startswith("line 2: ")
    assert list(table.rows) == ["953619"]


def test_one_tag_twice_is_one_tag_and_zero_is_none() -> None:
    table = ava_table.parse_table(tiny_ava.line(1, 5, (1,) * 10, (7, 7), 0).encode())
    assert table.rows["5"].tags == (7,)
    assert ava_table.parse_table(tiny_ava.line(1, 5, (1,) * 10, (0, 0)).encode()).rows[
        "5"
    ] == ava_table.Row((1,) * 10, (), 1396)


def test_labels_are_decided_in_integers() -> None:
    assert votes.exact_mean(tiny_ava.MIDDLE) == 5
    assert votes.label(tiny_ava.MIDDLE) == 0
    above = (*tiny_ava.MIDDLE[:5], tiny_ava.MIDDLE[5] + 1, *tiny_ava.MIDDLE[6:])
    assert votes.label(above) == 1
    huge = (0, 0, 0, 10**9, 1, 10**9, 0, 0, 0, 0)
    assert votes.label(huge) == 0
    assert votes.label((0, 0, 0, 10**9, 0, 10**9 + 1, 0, 0, 0, 0)) == 1


def test_delta_is_exact_and_includes_its_border() -> None:
    five_and_a_half = (0, 0, 0, 0, 1, 1, 0, 0, 0, 0)
    assert votes.is_clear(five_and_a_half, delta=Fraction("0.5"))
    assert not votes.is_clear(five_and_a_half, delta=Fraction("0.500000001"))
    assert votes.is_clear(tiny_ava.MIDDLE, delta=Fraction(0))


def test_moments_are_those_of_the_population() -> None:
    for number in range(20):
        counts = tiny_ava.votes(number)
        ratings = np.repeat(np.arange(1, 11), counts)
        mean, std = votes.moments(counts)
        assert mean == np.float32(ratings.mean())
        assert std == pytest.approx(ratings.std(), rel=1e-6)


def test_a_row_becomes_a_record(tmp_path: Path) -> None:
    tiny_ava.write_photos(tmp_path, ["953619"])
    row = ava_table.parse_table(GOOD.encode()).rows["953619"]
    entry = Entry("953619", ava_table.note_of(row, styles=(3, 14), label=1))
    maker = makers.open_maker("ava", {})
    contents = makers.read_files(maker, entry, {"images": str(tmp_path)}, read)
    record = makers.make_record(maker, entry, contents)
    assert isinstance(record, AestheticsRecord)
    assert AestheticsRecord.parse(record.encode()) == record
    assert (record.votes, record.vote_count) == (row.votes, sum(row.votes))
    assert (record.tags, record.challenge, record.styles) == ((1, 22), 1396, (3, 14))
    assert (record.label, record.filename) == (1, "953619.jpg")
    assert record.mean == pytest.approx(float(votes.exact_mean(row.votes)), rel=1e-7)


def table_of(count: int) -> ava_table.Table:
    lines = [tiny_ava.line(n, n, tiny_ava.votes(n)) for n in range(1, count + 1)]
    return ava_table.parse_table("\n".join(lines).encode())


@pytest.fixture
def package(tmp_path: Path) -> Path:
    tiny_ava.package(tmp_path)
    return tmp_path


def test_names_and_styles_are_read(package: Path) -> None:
    names = lists.read_names(str(package), read)
    assert names.tags == {7: "Black and White, or (so)", 22: "Abstract"}
    assert names.challenges == {1396: "One_Of_Many"}
    assert len(names.styles) == 14
    styles = lists.read_styles(str(package), read)
    assert styles == {"2": (3,), "3": (14,), "5": (2, 14)}


def test_lists_that_are_absent_are_nothing(tmp_path: Path) -> None:
    assert lists.read_names(str(tmp_path), read).tags == {}
    assert lists.read_styles(str(tmp_path), read) == {}
    with pytest.raises(MissingDatasetError, match=r"generic_test\.jpgl.*AVA package"):
        lists.split_ids(str(tmp_path), "generic_test", read)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("tags.txt", "x Abstract\n", "an id and a name"),
        ("style_image_lists/train.lab", "3\n", "2 lines"),
        ("style_image_lists/train.lab", "3\n15\n", "14 columns"),
        ("style_image_lists/test.multilab", "0 1\n0 1\n", "14 columns"),
    ],
)
def test_lists_that_contradict_themselves_are_told(
    package: Path, path: str, text: str, said: str
) -> None:
    (package / path).write_text(text)
    with pytest.raises(ListError, match=said):
        lists.read_names(str(package), read)
        lists.read_styles(str(package), read)


def test_official_tests_on_the_list_and_trains_on_the_rest(package: Path) -> None:
    table = table_of(40)
    tiny_ava.write_list(package, "generic_test", [1, 5, 9, 777])
    splits = protocols.by_list(
        table,
        {},
        root=str(package),
        read=read,
        names=("train", "test"),
        protocol="official",
    ).splits
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
    means = {one: votes.exact_mean(row.votes) for one, row in table.rows.items()}
    assert len(splits["test"].ids) == 10
    expected = {
        one
        for one, mean in means.items()
        if abs(mean - 5) >= delta and one not in splits["test"].ids
    }
    assert set(splits["train"].ids) == expected and 0 < len(expected) < 30


def test_named_lists_are_splits_of_their_own(package: Path) -> None:
    splits = protocols.by_list(
        table_of(40),
        {},
        root=str(package),
        read=read,
        names=("portrait_train",),
        protocol="official",
    ).splits
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
        for one, note in zip(split.ids, split.notes, strict=True):
            assert f'"label":{int(one in ranked[-10:])}' in note
    again = protocols.best_and_worst(table, {}, seed=0).splits
    assert set(again["train"].ids) == train
    other = protocols.best_and_worst(table, {}, seed=1).splits
    assert set(other["train"].ids) != train


def test_ties_at_the_cut_go_by_number() -> None:
    lines = [tiny_ava.line(n, 10 * n, tiny_ava.MIDDLE) for n in range(20, 0, -1)]
    table = ava_table.parse_table("\n".join(lines).encode())
    splits = protocols.best_and_worst(table, {}, seed=0).splits
    chosen = {int(one) for split in splits.values() for one in split.ids}
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
    splits = protocols.by_list(
        table,
        {},
        root=str(package),
        read=read,
        names=("train", "test"),
        protocol="official",
    ).splits
    reasons = {
        name: [bad.reason for bad in split.rejected] for name, split in splits.items()
    }
    assert reasons == {
        "train": ["no-votes", "bad-row"],
        "test": ["no-votes", "not-in-table"],
    }


def test_a_turned_a_grey_and_a_renamed_photo_are_kept(tmp_path: Path) -> None:
    pixels = np.full((20, 30, 3), 90, np.uint8)
    maker = makers.open_maker("ava", {})
    row = ava_table.parse_table(GOOD.encode()).rows["953619"]
    entry = Entry("953619", ava_table.note_of(row, styles=(), label=0))
    for data, expected in (
        (tiny_data.PHOTO_DAMAGE["image-turned"](tiny_data.jpeg(pixels), pixels), 6),
        (tiny_data.jpeg(pixels[:, :, 0]), 1),
        (tiny_data.png(pixels), 1),
    ):
        record = makers.make_record(maker, entry, [data])
        assert (record.encoded, record.orientation) == (data, expected)
        assert (record.height, record.width) == (20, 30)


@pytest.mark.skipif(
    "FCN_AVA_ROOT" not in os.environ, reason="FCN_AVA_ROOT (AVA.txt) is not set"
)
def test_the_real_votes_have_the_published_statistics() -> None:
    table = ava_table.parse_table(
        (Path(os.environ["FCN_AVA_ROOT"]) / "AVA.txt").read_bytes()
    )
    if len(table.rows) != 25_551:
        pytest.skip(f"{len(table.rows)} rows, expected the public 25,551")
    assert table.rejected == ()
    counts = np.array([row.votes for row in table.rows.values()])
    total = counts.sum(1)
    means, stds = np.array([votes.moments(row) for row in counts.tolist()]).T
    assert (total.min(), total.max(), round(total.mean(), 1)) == (81, 520, 210.8)
    assert (round(means.min(), 2), round(means.max(), 2)) == (1.81, 8.57)
    assert (round(means.mean(), 3), round(means.std(), 3)) == (5.377, 0.734)
    quantiles = np.quantile(means, [0.01, 0.1, 0.5, 0.9, 0.99])
    assert quantiles.round(2).tolist() == [3.55, 4.45, 5.38, 6.30, 7.07]
    assert round(stds.mean(), 3) == 1.431
    labels = np.array([votes.label(row) for row in counts.tolist()])
    assert round(100 * labels.mean(), 2) == 70.26
    ties = [row for row in counts.tolist() if votes.exact_mean(row) == 5]
    assert len(ties) == 62 and not any(map(votes.label, ties))
    shares = counts.astype(np.float32) / total[:, None].astype(np.float32)
    ratings = np.arange(1, 11, dtype=np.float32)
    flipped = ((shares * ratings).sum(1, dtype=np.float32) > 5) != labels
    assert flipped.sum() == 7
    for delta, kept in (("0.5", 13_923), ("1", 5_780)):
        clear = [votes.is_clear(row, delta=Fraction(delta)) for row in counts.tolist()]
        assert sum(clear) == kept
    shares = counts / total[:, None]
    distance = np.abs(np.cumsum(shares, 1) - np.cumsum(shares.mean(0)))
    assert round(float(distance.mean()), 4) == 0.0636
    assert round(float(np.sqrt((distance**2).mean(1)).mean()), 4) == 0.0893
