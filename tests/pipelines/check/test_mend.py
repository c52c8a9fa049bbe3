"""`fcn check --mend` puts the same bytes back, or leaves the damage and names it."""

import shutil
from pathlib import Path

import pytest

from tests.pipelines.check.conftest import FLAGS
from tests.pipelines.check.test_output import FILES, Act, check, file_of, flip
from tests.runs import score_runs
from tests.runs.score_runs import LATER, NIGHT
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")

DERIVED = [name for name in FILES if name != "piece"]


def results(out: Path) -> dict[str, bytes]:
    """Returns all but the summary and the page, which tell of the last attempt."""
    tree = everything(out)
    return {name: data for name, data in tree.items() if not name.startswith("report")}


@pytest.mark.parametrize("way", [flip, Path.unlink])
@pytest.mark.parametrize("kind", DERIVED)
def test_what_is_derived_is_made_again(
    whole: Path, out: Path, kind: str, way: Act
) -> None:
    way(file_of(out, kind))
    code, found = check(out, "--mend")
    assert (code, found["damages"]) == (0, [])
    assert results(out) == results(whole / "out")
    assert set(everything(out)) == set(everything(whole / "out"))


def test_everything_at_once(whole: Path, out: Path) -> None:
    for folder in ("masks", "scores", "report"):
        shutil.rmtree(out / folder)
    for path in (out / "_runs").rglob("chunk-*.parquet"):
        path.unlink()
    code, found = check(out, "--mend")
    assert (code, found["damages"]) == (0, [])
    assert results(out) == results(whole / "out")


def test_a_commit_that_is_gone_is_made_again(whole: Path, out: Path) -> None:
    Path(score_runs.plan_folder(out).commit).unlink()
    code, found = check(out)
    assert (code, [d["kind"] for d in found["damages"]]) == (1, ["commit"])
    code, found = check(out, "--mend")
    assert (code, found["damages"]) == (0, [])
    assert results(out) == results(whole / "out")


@pytest.mark.parametrize("kind", ["part", "mask"])
def test_another_photo_is_not_put_back(
    tmp_path: Path, whole: Path, out: Path, kind: str
) -> None:
    """The photos of the night have moved away: nothing can be scored again."""
    photos, kept = whole / "photos", tmp_path / "kept"
    file_of(out, kind).unlink()
    before = everything(out)
    photos.rename(kept)
    try:
        code, found = check(out, "--mend")
    finally:
        kept.rename(photos)
    assert (code, [d["kind"] for d in found["damages"]]) == (1, [kind])
    assert everything(out) == before
    assert check(out, "--mend")[0] == 0


def test_the_hashes_prove_parts_that_were_scored_without_them(
    whole: Path, out: Path
) -> None:
    flip(file_of(out, "hashes"))
    flip(file_of(out, "part"))
    file_of(out, "mask").unlink()
    code, found = check(out)
    kinds = ["index", "mask", "part"]
    assert (code, sorted(d["kind"] for d in found["damages"])) == (1, kinds)
    assert {d["cure"] for d in found["damages"]} == {"--mend"}
    code, found = check(out, "--mend")
    assert (code, found["damages"]) == (0, [])
    assert results(out) == results(whole / "out")


def test_hashes_that_no_part_proves_come_from_a_copy(
    tmp_path: Path, whole: Path, out: Path
) -> None:
    """The photos have moved away: the part cannot be what was committed."""
    photos, kept = whole / "photos", tmp_path / "kept"
    hashes = file_of(out, "hashes")
    flip(hashes)
    flip(file_of(out, "part"))
    photos.rename(kept)
    try:
        for _ in range(2):
            code, found = check(out, "--mend")
            assert (code, [d["kind"] for d in found["damages"]]) == (1, ["index"])
            assert found["damages"][0]["cure"] == "restore it from a copy"
    finally:
        kept.rename(photos)
    shutil.copy(file_of(whole / "out", "hashes"), hashes)
    code, found = check(out)
    assert (code, [d["kind"] for d in found["damages"]]) == (1, ["part"])
    assert check(out, "--mend")[0] == 0
    assert results(out) == results(whole / "out")


def test_an_open_night_is_mended_and_goes_on(
    tmp_path: Path, whole: Path, request: pytest.FixtureRequest
) -> None:
    layout = whole.name.rstrip("0123456789")
    out, flags = tmp_path / "open", (*FLAGS, f"--masks={layout}")
    score_runs.leave_open(whole / "photos", out, *flags, chunks=2)
    assert check(out)[0] == 0
    shutil.rmtree(out / "masks")
    score_runs.part_paths(out)[1].write_bytes(b"")
    ended = score_runs.score(whole / "photos", out, *flags)
    assert ended.code == 1
    assert "--mend" in ended.stderr.splitlines()[-1]
    code, found = check(out, "--mend")
    assert (code, found["damages"]) == (0, [])
    score_runs.scored(whole / "photos", out, *flags)
    assert results(out) == results(whole / "out")


def test_what_a_discard_left_is_removed(whole: Path, out: Path) -> None:
    score_runs.add_photos(whole / "photos", 1, first=700)
    try:
        score_runs.leave_open(whole / "photos", out, *FLAGS, night=LATER[0])
    finally:
        (whole / "photos" / "photo-700.jpg").unlink()
    assert score_runs.fcn("discard", out, "--run_date", LATER[0]).code == 0
    assert check(out)[0] == 0
    folder = Path(score_runs.plan_folder(out, LATER[0]).run)
    (folder / "parts").mkdir()
    (folder / "parts" / "chunk-00000000.parquet").write_bytes(b"late")
    code, found = check(out)
    assert (code, [d["kind"] for d in found["damages"]]) == (1, ["left over"])
    assert check(out, "--mend")[0] == 0
    assert [path.name for path in folder.iterdir()] == ["_COMMIT.json"]
    assert LATER[0] != NIGHT
