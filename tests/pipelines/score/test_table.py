"""Rows of a night: the table's, or the parts' before; damage is named with its cure."""

from pathlib import Path

import pytest

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.score import table as score_table
from pipelines.score.plan import PlannedNight
from tests.drawn.night_plans import NIGHT, draw_night, publish_night


def keys(night: PlannedNight) -> list[str]:
    """Returns the keys of all rows, in their order."""
    batches = score_table.batches(night.folder, ["image_key"])
    return [key for batch in batches for key in batch.column(0).to_pylist()]


def test_the_table_has_the_rows_of_the_parts_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = draw_night(tmp_path, 23)
    before = keys(night)
    assert len(set(before)) == 23
    publish_night(night)
    files.remove_folder(night.folder.parts)
    assert keys(night) == before
    monkeypatch.setattr(score_table, "_BATCH_ROWS", 5)
    sizes = [batch.num_rows for batch in score_table.batches(night.folder, ["status"])]
    assert sizes == [5, 5, 5, 5, 3]
    assert keys(night) == before


def test_no_rows_are_no_batches(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 0)
    assert keys(night) == []
    publish_night(night)
    assert keys(night) == []


def test_every_cut_of_the_table_is_named_with_its_cure(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 9)
    publish_night(night)
    (uri,) = night.folder.tables()
    good = files.read_bytes(uri)
    for length in range(0, len(good), 101):
        files.write_atomically(uri, good[:length], durable=False)
        with pytest.raises(SystemicFault) as caught:
            keys(night)
        assert str(caught.value) == (
            f"{uri}: got a damaged table, expected the rows of run_date={NIGHT}; run "
            f"fcn check {tmp_path} --run_date {NIGHT} --mend"
        )


def test_a_flipped_bit_is_a_fault_or_nothing_else_breaks(tmp_path: Path) -> None:
    """The hash in the commit tells; reading alone must end in rows or in a fault."""
    night = draw_night(tmp_path, 9)
    publish_night(night)
    (uri,) = night.folder.tables()
    good, faults = files.read_bytes(uri), 0
    for position in range(0, len(good), 17):
        changed = bytearray(good)
        changed[position] ^= 1 << position % 8
        files.write_atomically(uri, bytes(changed), durable=False)
        try:
            list(score_table.batches(night.folder, ["image_key", "error_detail"]))
        except SystemicFault:
            faults += 1
    assert faults > 0
