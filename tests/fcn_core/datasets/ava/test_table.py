"""AVA: its table, its lists, the integer label rule, its protocols."""

import pytest

from fcn_core.datasets.ava import table as ava_table
from tests.drawn import tiny_ava
from tests.drawn.tiny_ava import GOOD


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
