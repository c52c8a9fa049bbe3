"""Plans: frozen once, the same bytes wherever, and every damage noticed."""

import re
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import JsonValue

from pipelines import files
from pipelines.chunks import pieces
from pipelines.faults import SystemicFault, UsageError
from pipelines.score import sequence
from pipelines.score.items import ITEMS_SCHEMA, LISTING_SCHEMA, image_key
from pipelines.score.plan import Plan, PlannedNight
from tests.drawn.night_plans import (
    SETTINGS,
    freeze,
    photos,
    uris_of,
)
from tests.runs.trees import everything


def chunk_of(out: Path, frozen: Plan, chunk: int) -> pa.Table:
    return PlannedNight(str(out), frozen).items().chunk(chunk)


def test_chunks_hold_every_item_once_in_order(tmp_path: Path) -> None:
    frozen, is_new = freeze(tmp_path, photos(*range(10)))
    assert is_new
    assert (frozen.sequence, frozen.planned, frozen.chunks) == (1, 10, 3)
    tables = [chunk_of(tmp_path, frozen, chunk) for chunk in range(3)]
    assert [table.num_rows for table in tables] == [4, 4, 2]
    assert all(table.schema.equals(ITEMS_SCHEMA) for table in tables)
    rows = pa.concat_tables(tables)
    assert rows.select(LISTING_SCHEMA.names).equals(photos(*range(10)))
    keys = [image_key(uri) for uri in rows["image_uri"].to_pylist()]
    assert rows["image_key"].to_pylist() == keys


def test_a_worker_reads_only_the_piece_of_its_chunk(tmp_path: Path) -> None:
    frozen, _ = freeze(tmp_path, photos(*range(600)), chunk_size=2)
    assert pieces.CHUNKS_PER_PIECE == 256
    assert len(frozen.pieces) == 2
    folder = PlannedNight(str(tmp_path), frozen).folder
    files.remove(files.join(folder.pieces, frozen.pieces[0].name))
    for chunk in (256, 299):
        expected = [f"/photos/{n:06}.jpg" for n in (2 * chunk, 2 * chunk + 1)]
        found = chunk_of(tmp_path, frozen, chunk)
        assert found["image_uri"].to_pylist() == expected
    with pytest.raises(SystemicFault, match="got nothing there"):
        chunk_of(tmp_path, frozen, 255)


def test_an_empty_night_is_a_plan(tmp_path: Path) -> None:
    frozen, _ = freeze(tmp_path, photos())
    assert (frozen.planned, frozen.chunks, frozen.files) == (0, 0, ())
    assert list(PlannedNight(str(tmp_path), frozen).keys()) == []


def test_items_that_were_joined_are_cut_like_any(tmp_path: Path) -> None:
    freeze(tmp_path, photos(*range(0, 40, 3)), night="2026-11-19")
    frozen, _ = freeze(tmp_path, photos(*range(40)))
    expected = [f"/photos/{n:06}.jpg" for n in range(40) if n % 3]
    assert uris_of(tmp_path, frozen) == expected
    for chunk in range(frozen.chunks - 1):
        assert chunk_of(tmp_path, frozen, chunk).num_rows == 4


def test_the_same_night_elsewhere_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b/deep"):
        freeze(tmp_path / name, photos(*range(600)), chunk_size=2)
        freeze(tmp_path / name, photos(*range(610)), night="2026-11-21")
    assert everything(tmp_path / "a") == everything(tmp_path / "b" / "deep")


def test_a_night_that_is_planned_stays_as_it_is(tmp_path: Path) -> None:
    first, _ = freeze(tmp_path, photos(1, 2))
    before = everything(tmp_path)
    second, is_new = freeze(tmp_path, photos(1, 2, 3))
    assert (second, is_new) == (first, False)
    assert everything(tmp_path) == before


def test_an_item_is_planned_once_and_another_version_of_it_again(
    tmp_path: Path,
) -> None:
    freeze(tmp_path, photos(1, 2))
    changed = photos(1, 2, 3).set_column(1, "version", [["1-1", "new", "3-1"]])
    second, _ = freeze(tmp_path, changed, night="2026-11-21")
    assert uris_of(tmp_path, second) == ["/photos/000002.jpg", "/photos/000003.jpg"]


def test_every_damage_of_a_plan_is_noticed(tmp_path: Path) -> None:
    frozen, _ = freeze(tmp_path, photos(*range(5)))
    path = tmp_path / "_runs" / "plans" / "00000001.json"
    good = path.read_bytes()
    unnoticed = []
    for position in range(len(good)):
        for damaged in (
            good[:position]
            + bytes([good[position] ^ 1 << position % 8])
            + good[position + 1 :],
            good[:position],
        ):
            path.write_bytes(damaged)
            try:
                found = sequence.read_all(str(tmp_path))
            except SystemicFault:
                continue
            if found != [frozen]:  # a changed blank changes nothing
                unnoticed.append((position, damaged[position : position + 1]))
    assert unnoticed == []


def test_every_damage_of_the_items_is_noticed(tmp_path: Path) -> None:
    frozen, _ = freeze(tmp_path, photos(*range(5)))
    (path,) = (tmp_path / "_runs").rglob("piece-*.parquet")
    good = path.read_bytes()
    for position in range(0, len(good), 7):
        for damaged in (
            good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :],
            good[:position],
        ):
            path.write_bytes(damaged)
            with pytest.raises(SystemicFault, match="restore"):
                chunk_of(tmp_path, frozen, 0)
    path.write_bytes(good)
    assert len(uris_of(tmp_path, frozen)) == 5


def test_a_plan_that_is_gone_or_swapped_is_noticed(tmp_path: Path) -> None:
    for number, night in enumerate(("2026-11-18", "2026-11-19", "2026-11-20")):
        freeze(tmp_path, photos(number), night=night)
    folder = tmp_path / "_runs" / "plans"
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)
    (folder / "00000002.json").unlink()
    with pytest.raises(SystemicFault, match=r"00000002\.json"):
        sequence.read_all(str(tmp_path))
    with pytest.raises(SystemicFault, match=r"00000002\.json"):
        freeze(tmp_path, photos(7), night="2026-11-21")
    shutil.copy(kept / "00000003.json", folder / "00000002.json")
    with pytest.raises(SystemicFault, match=r"00000002\.json"):
        sequence.read_all(str(tmp_path))


def test_files_of_others_beside_the_plans_do_not_matter(tmp_path: Path) -> None:
    freeze(tmp_path, photos(1))
    for name in ("notes.txt", "00000001.json~", ".DS_Store"):
        (tmp_path / "_runs" / "plans" / name).touch()
    second, _ = freeze(tmp_path, photos(1, 2), night="2026-11-21")
    assert second.sequence == 2


@pytest.mark.parametrize(
    ("name", "got", "message"),
    [
        ("masks", "tar", "masks: got tar, expected png"),
        ("limit", 7, "limit: got 7, expected null"),
        ("input", "/i" * 99, "input: got /i/i/i"),
    ],
)
def test_other_settings_are_named(
    tmp_path: Path, name: str, got: JsonValue, message: str
) -> None:
    frozen, _ = freeze(tmp_path, photos(1))
    sequence.check_same_settings(frozen, SETTINGS)
    changed = SETTINGS.model_copy(update={name: got})
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        sequence.check_same_settings(frozen, changed)
    assert "2026-11-20" in str(caught.value)
    assert len(str(caught.value)) < 300
