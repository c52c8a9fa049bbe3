"""A night of masks in int8 beside ratings in f32: direct calls' rows, one identity."""

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard
from fcn_core.scoring import arithmetic, precisions
from pipelines.score import masks
from tests.drawn import tiny_int8
from tests.runs import score_runs
from tests.runs.score_runs import LATER, NIGHT

pytestmark = pytest.mark.usefixtures("warm_lanes")

INT8 = ("--engine", "openvino", "--precision", "int8")
F32 = ("--engine", "openvino", "--precision", "f32")


class Models(NamedTuple):
    """A segmentation with an int8 form, the same without, and ratings."""

    int8: Path
    plain: Path
    ratings: Path

    @property
    def flags(self) -> tuple[str, ...]:
        return ("--model", str(self.int8), str(self.ratings))


@pytest.fixture(scope="module")
def models(
    tmp_path_factory: pytest.TempPathFactory,
    segmentation_bundle: Path,
    rating_bundle: Path,
) -> Models:
    folder = tmp_path_factory.mktemp("int8") / "bundle"
    tiny_int8.add(segmentation_bundle, folder, loss=0.3)
    return Models(folder, segmentation_bundle, rating_bundle)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos") / "photos"
    score_runs.add_photos(folder, 6, side=90)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    return folder


class Night(NamedTuple):
    out: Path
    summary: dict[str, Any]


@pytest.fixture(scope="module")
def night(
    models: Models, photos: Path, tmp_path_factory: pytest.TempPathFactory
) -> Night:
    out = tmp_path_factory.mktemp("night") / "out"
    flags = (*models.flags, *INT8, "--lanes", "2", "--chunk_size", "3")
    return Night(out, score_runs.scored(photos, out, *flags))


def plan_of(out: Path, number: int = 1) -> dict[str, Any]:
    return json.loads((out / "_runs" / "plans" / f"{number:08}.json").read_text())


def direct(photos: Path, models: Models, *words: str) -> dict[str, scoring.PhotoScore]:
    """Scores of good photos by direct calls, a precision a model."""
    scorers = [
        scoring.load_scorer(str(bundle), "openvino", word)
        for bundle, word in zip((models.int8, models.ratings), words, strict=True)
    ]
    scorer = scoring.PhotoScorer(scorers)
    return {
        path.name: scorer.score_photo(path.read_bytes())
        for path in photos.glob("photo-*.jpg")
    }


def values(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        row["sha256"],
        row["mask_sha256"],
        row["dominant_class"],
        row["aesthetics_mean"],
        row["aesthetics_ratings"],
    )


def test_rows_are_those_of_direct_calls(
    night: Night, models: Models, photos: Path
) -> None:
    rows = score_runs.by_name(score_runs.table(night.out))
    assert rows.pop("broken.jpg")["status"] == "failed"
    expected = direct(photos, models, "int8", "f32")
    assert rows.keys() == expected.keys()
    for name, score in expected.items():
        ratings = list(score.aesthetics_ratings or ())
        wanted = dataclasses.asdict(score) | {"aesthetics_ratings": ratings}
        assert values(rows[name]) == values(wanted)
        assert masks.read(str(night.out), rows[name]["mask_path"]) == score.mask_png
    others = direct(photos, models, "f32", "f32")
    assert any(
        others[name].mask_sha256 != score.mask_sha256
        for name, score in expected.items()
    ), "int8 changes no mask: the test cannot tell them apart"


def test_plan_and_rows_name_what_computed_each_model(
    night: Night, models: Models
) -> None:
    settings = plan_of(night.out)["settings"]
    cards = [ModelCard.read(each) for each in (models.int8, models.ratings)]
    assert cards[0].int8 is not None
    found = precisions.resolve_precisions(cards, "openvino", "int8")
    assert [each.precision for each in found] == ["int8", "f32"]
    assert settings["precision"] == "int8+f32"
    assert settings["instruction_set"] == found[0].instruction_set
    assert settings["model_fingerprints"] == [
        cards[0].int8.fingerprint,
        cards[1].fingerprint,
    ]
    fingerprint = scoring.row_fingerprint(cards, found, max_side=None)
    assert {row["fingerprint"] for row in score_runs.table(night.out)} == {fingerprint}


def test_summary_lines_and_page_name_it_too(
    night: Night, models: Models, photos: Path
) -> None:
    described = [
        (model["name"], model["precision"], model["instruction_set"])
        for model in night.summary["models"]
    ]
    word = plan_of(night.out)["settings"]["instruction_set"]
    f32 = arithmetic.resolve_arithmetic("openvino", "f32").instruction_set
    assert described == [
        ("tiny-segmentation", "int8", word),
        ("tiny-aesthetics", "f32", f32),
    ]
    assert night.summary["precision"] == "int8+f32"
    (figure,) = night.summary["models"][0]["metrics"]
    assert (figure["name"], figure["value"]) == ("miou", pytest.approx(0.4))
    flags = (*models.flags, *INT8, "--chunk_size", "3")
    ended = score_runs.score(photos, night.out, *flags)
    line = "engine openvino, int8 (tiny-segmentation), f32 (tiny-aesthetics)"
    assert line in ended.stdout
    page = night.out / "report" / f"run_date={NIGHT}" / "index.html"
    text = page.read_text()
    assert f"int8 on {word}" in text
    assert f"f32 on {f32}" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [
        ("--lanes", "1", "--chunk_size", "1"),
        ("--lanes", "3", "--chunk_size", "7"),
        ("--lanes", "2", "--chunk_size", "2"),
    ],
)
def test_lanes_and_chunks_change_no_byte(
    night: Night, models: Models, photos: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    score_runs.scored(photos, out, *models.flags, *INT8, *flags)
    before, after = (
        {
            name: (values(row), masks.read(str(each), row["mask_path"]))
            for name, row in score_runs.by_name(score_runs.table(each)).items()
            if row["status"] == "ok"
        }
        for each in (night.out, out)
    )
    assert before == after


def test_an_f32_night_does_not_see_the_int8_form(
    models: Models, photos: Path, tmp_path: Path
) -> None:
    nights = []
    for bundle in (models.plain, models.int8):
        out = tmp_path / bundle.name
        score_runs.scored(photos, out, "--model", str(bundle), *F32)
        rows = score_runs.by_name(score_runs.table(out))
        pngs = {
            name: masks.read(str(out), row["mask_path"])
            for name, row in rows.items()
            if row["mask_path"]
        }
        nights.append((rows, pngs))
        settings = plan_of(out)["settings"]
        assert settings["precision"] == "f32"
        assert settings["model_fingerprints"] == [
            ModelCard.read(models.plain).fingerprint
        ]
    assert nights[0] == nights[1]


@pytest.mark.slow
def test_replay_and_mend_compute_as_the_plan_says(
    models: Models, photos: Path, tmp_path: Path
) -> None:
    out, own = tmp_path / "out", tmp_path / "photos"
    own.mkdir()
    for photo in photos.iterdir():
        (own / photo.name).write_bytes(photo.read_bytes())
    score_runs.scored(own, out, *models.flags, *INT8)
    before = score_runs.results_tree(out)
    mask = next((out / "masks").rglob("*.png"))
    mask.write_bytes(b"damaged")
    assert score_runs.fcn("check", str(out)).code == 1
    mended = score_runs.fcn("check", str(out), "--mend")
    assert mended.code == 0, mended.stdout + mended.stderr
    assert score_runs.results_tree(out) == before
    replayed = score_runs.fcn("replay", str(out), "--lanes", "1")
    assert replayed.code in (0, 3), replayed.stderr
    first, second = plan_of(out), plan_of(out, 2)
    assert second["kind"] == "replay"
    assert second["fingerprint"] == first["fingerprint"]
    assert second["settings"]["precision"] == "int8+f32"


def test_another_precision_would_score_again(
    models: Models, photos: Path, night: Night
) -> None:
    same = score_runs.score(photos, night.out, *models.flags, *F32)
    assert same.code == 2
    assert "precision" in same.stderr
    later = score_runs.score(photos, night.out, *models.flags, *F32, night=LATER[0])
    assert later.code == 2
    assert "--rescore" in later.stderr


def test_int8_without_a_form_is_a_line(
    models: Models, photos: Path, tmp_path: Path
) -> None:
    for flags, words in (
        (("--model", str(models.plain), *INT8), "has no int8 form"),
        (("--model", str(models.ratings), *INT8), "has no int8 form"),
        (
            (*models.flags, "--engine", "tensorflow", "--precision", "int8"),
            "--engine openvino",
        ),
    ):
        ended = score_runs.score(photos, tmp_path / "out", *flags)
        assert ended.code == 2
        assert words in ended.stderr
        assert ended.stderr.count("\n") == 1
