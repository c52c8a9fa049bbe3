"""Tables of ratings: votes or means, by header."""

import json
import math
import re
import textwrap
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from fcn_core.datasets import makers
from fcn_core.datasets.bad_record import ListError
from fcn_core.datasets.label_files.label_map import parse_label_map
from fcn_core.datasets.listing import Entry
from fcn_core.datasets.own.ratings_table import parse_ratings
from fcn_core.records.record import AestheticsRecord
from tests.drawn import tiny_data

PHOTOS = ["1.jpg", "2.png", "deep/3.jpg", "4.jpg"]


def rated(text: str, name: str = "votes.csv") -> tuple[dict, list[tuple[str, str]]]:
    ratings = parse_ratings(text.encode(), name=name, photos=PHOTOS)
    notes = {i: json.loads(note) for i, note in ratings.notes.items()}
    return notes, [(bad.reason, bad.source_id) for bad in ratings.rejected]


def test_votes_of_ten_ratings() -> None:
    head = "image," + ",".join(map(str, range(1, 11)))
    notes, rejected = rated(
        f"{head}\n1.jpg,0,0,0,0,0,0,0,0,1,9\n2,0,0,0,0,7,0,0,0,0,0\n"
    )
    assert notes["1"] == {
        "path": "1.jpg",
        "votes": [0, 0, 0, 0, 0, 0, 0, 0, 1, 9],
        "label": 1,
    }
    assert notes["2"]["path"] == "2.png" and notes["2"]["label"] == 0
    assert rejected == []


def test_fewer_ratings_have_no_middle() -> None:
    notes, _ = rated("id\tvotes_1\tvotes_2\tvotes_3\ndeep/3\t1\t0\t4\n", "votes.tsv")
    assert notes == {"deep/3": {"path": "deep/3.jpg", "votes": [1, 0, 4], "label": -1}}


def test_means_are_enough() -> None:
    notes, rejected = rated("\ufefffilename;score;std\r\n./1.jpg;7.25;1.5\r\n4;3;\r\n")
    assert notes["1"] == {"path": "1.jpg", "mean": 7.25, "std": 1.5, "label": 1}
    assert notes["4"]["std"] is None and notes["4"]["label"] == 0
    assert rejected == []


@pytest.mark.parametrize(
    "data",
    [
        b"image,1,2,3\n1.jpg,2.0,0.0,7.\n4,2,0,7.000\n",
        "image\t1\t2\t3\r\n1.jpg\t2\t0\t7\r\n4\t2\t0\t7\r\n".encode("utf-16"),
        b"\xfe\xff" + "image;1;2;3\n1.jpg;2;0;7\n4;2;0;7\n".encode("utf-16-be"),
        "image;1;2;3\n1.jpg;2;0;7\n4;2;0;7\n".encode("utf-16-le"),
        b"sep=;\r\nimage;1;2;3\r\n1.jpg;2;0;7\r\n4;2.0;0;7\r\n",
        b'"sep=|"\r\nimage|1|2|3\r\n1.jpg|2|0|7\r\n4|2|0|7\r\n',
    ],
)
def test_tables_of_everyday_programs(data: bytes) -> None:
    ratings = parse_ratings(data, name="votes.csv", photos=PHOTOS)
    assert ratings.rejected == ()
    assert sorted(ratings.notes) == ["1", "4"]
    for note in ratings.notes.values():
        assert json.loads(note)["votes"] == [2, 0, 7]


def test_half_a_vote_is_none() -> None:
    _, rejected = rated("image,1,2\n1.jpg,2.5,1\n4.jpg,.0,1\n2,1e3,1\n")
    assert [reason for reason, _ in rejected] == ["bad-votes"] * 3


def test_a_decimal_comma() -> None:
    notes, rejected = rated("image;mean;std\n1.jpg;7,25;1,5\n4;1,000,0;1\n")
    assert notes["1"] == {"path": "1.jpg", "mean": 7.25, "std": 1.5, "label": 1}
    assert rejected == [("bad-score", "4")]


def test_a_row_finds_its_photo_in_either_normal_form() -> None:
    name = "caf\u00e9.jpg"
    other = unicodedata.normalize("NFD", name)
    for photo, row in ((name, other), (other, name)):
        text = f"image,mean\n{row},7\n"
        ratings = parse_ratings(text.encode(), name="m.csv", photos=[photo])
        (note,) = ratings.notes.values()
        assert json.loads(note)["path"] == photo
        assert list(ratings.notes) == ["caf\u00e9"]


def test_each_bad_row_has_its_reason() -> None:
    rows = ["9.jpg,1,2", "1.jpg,0,0", "2,x,1", "2,-1,4", "4.jpg,1", "4.jpg,1,2"]
    notes, rejected = rated("image,1,2\n" + "\n".join(rows) + "\n4.jpg,9,9\n\n")
    assert list(notes) == ["4"]
    assert rejected == [
        ("missing-image", "9"),
        ("no-votes", "1"),
        ("bad-votes", "2"),
        ("bad-votes", "2"),
        ("bad-row", ""),
        ("duplicate-id", "4"),
    ]
    _, rejected = rated("image,mean,std\n1,11,1\n2,nan,1\n4,,1\ndeep/3,5,-1\n1,x,\n")
    assert [reason for reason, _ in rejected] == ["bad-score"] * 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "image\n1.jpg\n",
        "mean\n5\n",
        "image,1,3\n1.jpg,5,5\n",
        "image,1\n1.jpg,5\n",
        "image," + ",".join(map(str, range(1, 12))) + "\n",
    ],
)
def test_headers_that_name_no_rating_are_refused(text: str) -> None:
    with pytest.raises(ListError, match=r"votes\.csv.*expected"):
        rated(text)


def test_ratings_become_records() -> None:
    notes, _ = rated("image,mean\n1.jpg,6.1\n")
    maker = makers.open_maker("folder-ratings", {})
    photo = tiny_data.jpeg(np.zeros((9, 7, 3), np.uint8))
    record = makers.make_record(maker, Entry("1", json.dumps(notes["1"])), [photo])
    assert isinstance(record, AestheticsRecord)
    assert (record.votes, record.vote_count) == ((), 0)
    assert record.mean == np.float32(6.1) and math.isnan(record.std)
    parsed = AestheticsRecord.parse(record.encode())
    assert math.isnan(parsed.std) and parsed.mean == record.mean


def test_the_manuals_examples_are_read() -> None:
    text = (Path(__file__).parents[4] / "docs/data.md").read_text()
    blocks = re.findall(r"```(yaml|json|csv)\n(.*?)```", text, flags=re.DOTALL)
    assert [kind for kind, _ in blocks] == ["yaml", "json", "csv", "csv"]
    bodies = [textwrap.dedent(body).encode() for _, body in blocks]
    for body in bodies[:2]:
        names = parse_label_map(body, name="label_map").names
        assert [*names] == ["background", "road", "car"]
    for body in bodies[2:]:
        found = parse_ratings(body, name="rated.csv", photos=["IMG_0001.jpg"])
        assert (len(found.notes), found.rejected) == (1, ())
