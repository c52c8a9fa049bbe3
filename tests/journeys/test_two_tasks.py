"""One backbone, two tasks: one pass gives what two models would."""

import functools
import os
from pathlib import Path

import keras
import pytest

from benchmarks import two_tasks
from fcn_core import scoring
from fcn_core.bundles.card import ModelCard, ModelError, RatingsHead
from fcn_core.evaluation import keras_engine
from fcn_core.export import draft_card
from fcn_core.export.bundle import export
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.scoring import check, scorers
from tests.drawn import tiny_models
from tests.drawn.tiny_networks import disturb

SPEC = ModelSpec(
    name="fcn8s",
    backbone="vgg16",
    classes=5,
    width=0.1,
    head_width=16,
    rating_classes=10,
)


def card_of(spec: ModelSpec, name: str) -> ModelCard:
    card = draft_card.draft_card(
        spec,
        name=name,
        classes=tiny_models.CLASSES,
        padding_value=(127, 127, 127),
        max_side=None,
    )
    return card.model_copy(update={"version": "1"})


@functools.cache
def network() -> keras.Model:
    return disturb(build(SPEC))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two") / "bundle"
    export(network(), folder, card_of(SPEC, "both"))
    return folder


def test_a_card_of_two_tasks_has_a_part_for_each() -> None:
    card = card_of(SPEC, "both")
    segmentation, aesthetics = card.parts
    assert (segmentation.task, aesthetics.task) == ("segmentation", "aesthetics")
    assert aesthetics.rating_bins == [float(rating) for rating in range(1, 11)]
    assert (segmentation.logits_stride, aesthetics.logits_stride) == (8, 16)
    assert aesthetics.num_classes == 10
    alone = card.model_copy(update={"ratings": None})
    assert alone.parts == [alone]
    assert card.computed_fingerprint() != alone.computed_fingerprint()


def test_ratings_beside_ratings_are_refused() -> None:
    with pytest.raises(ValueError, match="only a segmentation"):
        tiny_models.draw_card(
            "aesthetics", ratings=RatingsHead(rating_bins=[1.0, 2.0], logits_stride=8)
        )


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_one_pass_equals_the_model_of_both_tasks(bundle: Path, engine: str) -> None:
    data = tiny_models.draw_photo(150, 201)
    scorer = scorers.load_scorer(str(bundle), engine, "f32")
    score = scoring.PhotoScorer([scorer]).score_photo(data)
    expected = scoring.PhotoScorer(
        [keras_engine.scorer_of(network(), card_of(SPEC, "both"))]
    ).score_photo(data)
    assert score.class_pixels == expected.class_pixels
    assert score.mask_png == expected.mask_png
    assert score.aesthetics_ratings == pytest.approx(
        expected.aesthetics_ratings, abs=1e-5
    )
    assert sum(score.aesthetics_ratings or ()) == pytest.approx(1, abs=1e-6)
    assert score.aesthetics_mean == pytest.approx(expected.aesthetics_mean, abs=1e-4)


def test_models_check_walks_both_outputs(bundle: Path) -> None:
    findings = check.check(bundle)
    assert [f for f in findings if f.level != "ok"] == []
    checks = {finding.check for finding in findings}
    assert {"serving_default class_map", "serving_default ratings"} <= checks
    served = next(f for f in findings if f.check == "serving_bytes")
    assert "pixels agree, means differ" in served.detail


def test_a_second_rating_model_beside_it_is_refused(
    bundle: Path, rating_bundle: Path
) -> None:
    both = scorers.load_scorer(str(bundle), "openvino", "f32")
    rating = scorers.load_scorer(str(rating_bundle), "openvino", "f32")
    with pytest.raises(ModelError, match="one model for each"):
        scoring.PhotoScorer([both, rating])


@pytest.mark.skipif(
    "FCN_TIMINGS" not in os.environ, reason="FCN_TIMINGS is not set: a quiet machine"
)
def test_rating_as_well_costs_less_than_15_percent() -> None:
    found = two_tasks.measure(60)
    assert found["both in one pass"] < 1.15 * found["segmentation alone"]
    assert found["both in one pass"] < found["two models"]
