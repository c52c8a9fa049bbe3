"""Photos and their ratings as records."""

from pathlib import Path

import numpy as np
import pytest

from fcn_core.datasets import makers, votes
from fcn_core.datasets.ava import table as ava_table
from fcn_core.datasets.listing import Entry
from fcn_core.records.record import AestheticsRecord
from tests.drawn import tiny_ava, tiny_data
from tests.drawn.tiny_ava import GOOD
from tests.drawn.tiny_data import read


def test_a_row_becomes_a_record(tmp_path: Path) -> None:
    tiny_ava.write_photos(tmp_path, ["953619"])
    row = ava_table.parse_table(GOOD.encode()).rows["953619"]
    entry = Entry("953619", ava_table.note_of(row, styles=(3, 14), label=1))
    maker = makers.open_maker("ava", {})
    contents = makers.read_files(
        maker, entry, roots={"images": str(tmp_path)}, read=read
    )
    record = makers.make_record(maker, entry, contents)
    assert isinstance(record, AestheticsRecord)
    assert AestheticsRecord.parse(record.encode()) == record
    assert (record.votes, record.vote_count) == (row.votes, sum(row.votes))
    assert (record.tags, record.challenge, record.styles) == ((1, 22), 1396, (3, 14))
    assert (record.label, record.filename) == (1, "953619.jpg")
    assert record.mean == pytest.approx(float(votes.exact_mean(row.votes)), rel=1e-7)


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
