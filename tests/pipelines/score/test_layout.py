"""Names in an output: readers' by night, ours by plan."""

from pathlib import Path

import pytest

from pipelines import files
from pipelines.score.layout import NightFolder, PlanFolder, nights_of, replay_name

NIGHT = NightFolder("/out", "2026-11-20")
PLAN = PlanFolder("/out", "2026-11-20", 7)


@pytest.mark.parametrize("folder", [NIGHT, PLAN])
def test_what_readers_see_is_named_by_its_night(folder: NightFolder) -> None:
    assert folder.scores == "/out/scores/run_date=2026-11-20"
    assert folder.success == f"{folder.scores}/_SUCCESS"
    assert folder.report == "/out/report/run_date=2026-11-20"
    assert folder.page == f"{folder.report}/index.html"
    assert folder.summary == f"{folder.report}/summary.json"


def test_what_is_ours_and_the_masks_are_named_by_their_plan() -> None:
    assert PLAN.run == "/out/_runs/run_date=2026-11-20/00000007"
    ours = (PLAN.pieces, PLAN.parts, PLAN.merged, PLAN.commit, PLAN.refusal)
    names = ("plan", "parts", "table", "_COMMIT.json", "_FAILED")
    assert ours == tuple(f"{PLAN.run}/{name}" for name in names)
    assert PLAN.masks == "/out/masks/run_date=2026-11-20/00000007"


@pytest.mark.parametrize("number", [1, 12])
def test_a_replay_has_its_table_beside_that_of_its_night(
    tmp_path: Path, number: int
) -> None:
    out = files.to_uri(tmp_path)
    folder = PlanFolder(out, replay_name("2026-11-20", number), 9)
    night = NightFolder(out, "2026-11-20")
    assert folder.scores == night.scores == f"{out}/scores/run_date=2026-11-20"
    assert folder.success == f"{night.scores}/_SUCCESS-replay-{number}"
    for name in ("runs", "report", "all_masks"):
        assert getattr(folder, name) != getattr(night, name)
    mine = files.join(folder.scores, f"scores-replay-{number}-00000-of-00001.parquet")
    others = [
        "scores-00000-of-00001.parquet",
        "scores-replay-123-00000-of-00001.parquet",
    ]
    for name in others:
        files.write_atomically(files.join(night.scores, name), b"another's")
    assert (folder.published(), folder.is_shown()) == ([], False)
    files.write_atomically(mine, b"mine")
    files.write_atomically(folder.success, b"")
    assert (folder.published(), folder.is_shown()) == ([mine], True)
    assert night.published() == [files.join(night.scores, others[0])]
    files.remove(files.join(night.scores, others[0]))
    assert (night.published(), night.is_shown()) == ([], False)


def test_a_replay_of_an_earlier_version_keeps_its_folder() -> None:
    folder = NightFolder("/out", "2026-11-20-replay-1")
    assert folder.scores == "/out/scores/run_date=2026-11-20-replay-1"
    assert folder.success == f"{folder.scores}/_SUCCESS"


def test_two_plans_of_a_night_share_nothing_but_what_readers_see() -> None:
    other = PlanFolder("/out", "2026-11-20", 8)
    for name in ("run", "pieces", "parts", "merged", "commit", "refusal", "masks"):
        assert getattr(PLAN, name) != getattr(other, name)
    for name in ("scores", "report", "runs", "all_masks"):
        assert getattr(PLAN, name) == getattr(other, name)


def test_folders_are_made_once_and_found(tmp_path: Path) -> None:
    folder = PlanFolder(files.to_uri(tmp_path), "2026-11-20", 3)
    assert (folder.results(), folder.sequences()) == ([], [])
    folder.make(masks=True)
    made = [folder.pieces, folder.parts, folder.merged, folder.masks]
    assert folder.results() == made
    assert all(Path(each).is_dir() for each in made)
    files.remove_folder(folder.merged)
    assert folder.results() == [folder.pieces, folder.parts, folder.masks]
    for name in ("00000012", "notes", "123", "00000001.json"):
        (Path(folder.runs) / name).mkdir()
    assert folder.sequences() == [3, 12]


def test_nights_are_found_by_their_folders(tmp_path: Path) -> None:
    out = files.to_uri(tmp_path)
    assert nights_of(out, "scores") == []
    for name in ("run_date=2026-11-20", "run_date=2026-11-20-replay-1", "plans"):
        (tmp_path / "scores" / name).mkdir(parents=True)
    assert nights_of(out, "scores") == [
        NightFolder(out, "2026-11-20"),
        NightFolder(out, "2026-11-20-replay-1"),
    ]


def test_the_rows_are_the_published_table_or_the_parts_before(tmp_path: Path) -> None:
    folder = PlanFolder(files.to_uri(tmp_path), "2026-11-20", 1)
    folder.make(masks=True, durable=False)
    part = files.join(folder.parts, "chunk-00000000.parquet")
    files.write_atomically(part, b"part")
    assert (folder.tables(), folder.is_shown()) == ([part], False)
    table = files.join(folder.scores, "scores-00000-of-00001.parquet")
    files.write_atomically(table, b"table")
    assert (folder.tables(), folder.is_shown()) == ([table], True)
    files.write_atomically(folder.success, b"")
    assert folder.tables() == [table]
    night = NightFolder(folder.out, folder.run_date)
    assert night.tables() == [table]
