"""What is counted is what the night then takes."""

from pathlib import Path

import pytest

from pipelines.estimate.config import EstimateConfig
from pipelines.estimate.counting import Count, count
from pipelines.score import nights
from tests.runs import score_runs
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")

MODEL = ("--model", "quality")


def _count(photos: Path, out: Path | None, *more: str) -> Count:
    place = [] if out is None else ["--output", str(out)]
    words = ["--input", str(photos), *place, *MODEL, *more]
    config, _ = EstimateConfig.parse(words)
    return count(config, nights.resolve(config)[2]).count


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Photos of which a night has scored three, and two that came later."""
    folder = tmp_path_factory.mktemp("counted")
    photos, out = folder / "photos", folder / "out"
    score_runs.add_photos(photos, 3, side=32)
    score_runs.scored(photos, out, *MODEL, night=score_runs.NIGHT)
    score_runs.add_photos(photos, 2, first=3, side=32)
    return photos, out


def test_known_photos_are_left_out_and_nothing_is_written(
    scored: tuple[Path, Path],
) -> None:
    photos, out = scored
    before = everything(out)
    found = _count(photos, out, "--run_date", score_runs.LATER[0])
    assert (found.listed, found.photos, found.skipped) == (5, 2, 3)
    assert found.chunks == 1
    assert found.needs_rescore is None
    assert everything(out) == before


def test_without_an_output_all_photos_count(scored: tuple[Path, Path]) -> None:
    found = _count(scored[0], None, "--chunk_size", "2", "--exclude", "*-000.jpg")
    assert (found.listed, found.photos, found.chunks) == (4, 4, 2)


def test_a_limit_leaves_the_others_waiting(scored: tuple[Path, Path]) -> None:
    found = _count(*scored, "--limit", "1", "--run_date", score_runs.LATER[0])
    assert (found.photos, found.waiting) == (1, 1)


def test_an_output_that_is_not_there_yet_knows_nothing(
    scored: tuple[Path, Path], tmp_path: Path
) -> None:
    assert _count(scored[0], tmp_path / "new").photos == 5
    assert not (tmp_path / "new").exists()


def test_other_models_need_rescore(scored: tuple[Path, Path]) -> None:
    flags = ("--model", "aesthetics", "--run_date", score_runs.LATER[0])
    found = _count(*scored, *flags)
    assert found.photos == 5
    assert "--rescore" in str(found.needs_rescore)
    assert _count(*scored, *flags, "--rescore").needs_rescore is None


def test_a_committed_night_takes_nothing_more(scored: tuple[Path, Path]) -> None:
    found = _count(*scored, "--run_date", score_runs.NIGHT)
    assert (found.photos, found.waiting, found.resumes) == (0, 2, True)


def test_an_open_night_takes_what_is_left_of_it(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    score_runs.add_photos(photos, 5, side=32)
    flags = (*MODEL, "--chunk_size", "2")
    score_runs.leave_open(photos, out, *flags, chunks=1)
    score_runs.add_photos(photos, 1, first=5, side=32)
    found = _count(photos, out, *flags[2:], "--run_date", score_runs.NIGHT)
    assert (found.photos, found.waiting, found.chunks) == (3, 1, 2)
    assert found.resumes
