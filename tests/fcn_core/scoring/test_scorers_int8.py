"""A model in int8: its own file, its own answers, the same on every call."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fcn_core import scoring
from fcn_core.bundles.card import ModelError
from fcn_core.scoring import check, engines, speed
from tests.drawn import tiny_int8, tiny_models


@pytest.fixture(scope="module")
def bundle(segmentation_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("int8") / "bundle"
    tiny_int8.add(segmentation_bundle, folder)
    return folder


def logits(bundle: Path, precision: str, *sides: int, seed: int = 0) -> np.ndarray:
    scorer = scoring.load_scorer(str(bundle), "openvino", precision)
    pixels = tiny_models.draw_pixels(*sides, seed=seed)
    return scorer.score(pixels[None], np.array([sides], np.int32))["logits"]


def test_int8_is_near_f32_and_not_the_same(bundle: Path) -> None:
    f32, int8 = (logits(bundle, word, 128, 256) for word in ("f32", "int8"))
    assert f32.shape == int8.shape
    assert 0 < np.abs(f32 - int8).max() < 0.5 * np.ptp(f32)


def test_int8_does_not_depend_on_what_was_computed_before_or_beside(
    bundle: Path,
) -> None:
    fresh = logits(bundle, "int8", 128, 128)
    scorer = scoring.load_scorer(str(bundle), "openvino", "int8")
    pixels = [tiny_models.draw_pixels(128, 128, seed=seed) for seed in range(3)]
    sizes = np.array([[128, 128]] * 3, np.int32)
    for side in (256, 128, 384):
        other = tiny_models.draw_pixels(side, 128, seed=side)
        scorer.score(other[None], np.array([[side, 128]], np.int32))
    again = scorer.score(pixels[0][None], sizes[:1])["logits"]
    assert again.tobytes() == fresh.tobytes()
    together = scorer.score(np.stack(pixels), sizes)["logits"]
    assert together[0].tobytes() == fresh[0].tobytes()


def test_several_threads_give_the_same_bytes(bundle: Path) -> None:
    images = tiny_models.draw_pixels(256, 256)[None]
    first, second = (
        engines.OpenVINOEngine(bundle, precision="int8", threads=threads).logits(images)
        for threads in (1, 2)
    )
    assert first.tobytes() == second.tobytes()


def test_ratings_that_rank_otherwise_can_still_be_looked_at(
    rating_bundle: Path, tmp_path: Path
) -> None:
    tiny_int8.add(rating_bundle, tmp_path / "bundle", ranks=0.5)
    data = tiny_models.draw_photo()
    f32, auto, int8 = (
        scoring.PhotoScorer(
            [scoring.load_scorer(str(tmp_path / "bundle"), "openvino", word)]
        ).score_photo(data)
        for word in ("f32", "auto", "int8")
    )
    assert int8.aesthetics_mean != f32.aesthetics_mean
    assert auto.aesthetics_mean != int8.aesthetics_mean


def test_without_the_form_int8_is_refused(
    segmentation_bundle: Path, bundle: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"has no logits-int8\.xml.*--precision f32"):
        scoring.load_scorer(str(segmentation_bundle), "openvino", "int8")
    with pytest.raises(ModelError, match="pass --engine openvino"):
        scoring.load_scorer(str(bundle), "tensorflow", "int8")
    shutil.copytree(bundle, tmp_path / "copy")
    (tmp_path / "copy" / "logits-int8.bin").write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"logits-int8\.bin.*copy the whole folder"):
        scoring.load_scorer(str(tmp_path / "copy"), "openvino", "int8")


def test_both_forms_are_timed(segmentation_bundle: Path, bundle: Path) -> None:
    facts = speed.measure(bundle, engine="openvino")
    assert facts.int8_ms_per_megapixel is not None
    assert facts.int8_ms_per_megapixel > 0
    alone = speed.measure(segmentation_bundle, engine="openvino")
    assert alone.int8_ms_per_megapixel is None
    assert alone.parameters == facts.parameters


def test_check_compares_both_forms(segmentation_bundle: Path, bundle: Path) -> None:
    found = {each.check: each for each in check.check(bundle)}
    assert "of pixels as in f32" in found["int8"].detail
    assert "miou 0.7000 -> 0.6990" in found["int8"].detail
    assert "auto takes " in found["int8"].detail
    assert found["int8"].level != "error"
    assert "int8" not in {each.check for each in check.check(segmentation_bundle)}
