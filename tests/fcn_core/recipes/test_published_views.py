"""What fully_convolutional_networks (AVA) promises of views of a photo."""

import itertools

import numpy as np
import pytest

from fcn_core import images, scoring
from fcn_core import views as fcn_core_views
from fcn_core.evaluation import keras_engine
from fcn_core.geometry import Size
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from tests.drawn import tiny_models
from tests.drawn.published import CLASSIFIER, NARROW, card_of
from tests.drawn.tiny_networks import disturb


def sides() -> list[tuple[int, int]]:
    """Every side 50..3000 beside others of all ratios."""
    rng = np.random.default_rng(0)
    return [(side, int(rng.integers(50, 3001))) for side in range(50, 3001)]


def test_ava_fcn_views_have_their_sizes_for_every_side() -> None:
    for height, width in sides():
        for size in ((height, width), (width, height)):
            (plain,) = fcn_core_views.views(size, "plain", side=224)
            assert plain.resized == plain.canvas == Size(224, 224)
            (padded,) = fcn_core_views.views(size, "pad", side=336)
            assert padded.canvas == Size(336, 336)
            assert max(padded.resized) == 336
            exact = min(size) * 336 / max(size)
            assert abs(min(padded.resized) - exact) <= 0.5 or min(padded.resized) == 1
            (crop,) = fcn_core_views.views(size, "crop", side=336)
            assert crop.canvas == Size(336, 336)
            assert min(crop.resized) == 336
            kept = fcn_core_views.keep_ratio(size, width=336)
            assert kept[1] == 336 or min(kept) == 224


def test_ava_fcn_crops_cover_the_photo_without_gaps() -> None:
    for height, width in sides():
        views = fcn_core_views.views((height, width), "multi_crop", side=224)
        resized = views[0].resized
        tall = resized.height > resized.width
        starts = [view.window[0 if tall else 1] for view in views]
        longest = max(resized)
        assert starts[0] == 0
        assert starts[-1] + 224 == longest
        assert all(b - a <= 224 for a, b in itertools.pairwise(starts))
        expected = 1 if longest == 224 else max(3, -(-longest // 224))
        assert len(views) == expected
        assert all(
            view.window[0] + 224 <= resized.height
            and view.window[1] + 224 <= resized.width
            for view in views
        )


def test_ava_fcn_the_mask_is_where_the_photo_is() -> None:
    white = np.full((90, 200, 3), 255, np.uint8)
    for mode in ("plain", "pad_mask", "crop", "multi_crop"):
        for view in fcn_core_views.views((90, 200), mode, side=128):
            canvas = images.view(white, view, (0, 0, 0))
            mask = images.view_mask(view)
            assert canvas.shape == (*view.canvas, 3)
            assert np.array_equal(canvas[..., 0], mask)
    (view,) = fcn_core_views.views((90, 200), "pad", side=128)
    assert view.offset == ((128 - 58) // 2, 0)
    # Rows of the photo fall where its rows are drawn.
    assert (view.window, view.resized.height) == ((0, 0, 58, 128), 58)


def test_ava_fcn_a_photos_score_is_the_mean_over_its_crops() -> None:
    spec = ModelSpec(**CLASSIFIER, backbone="vgg16", classes=10, **NARROW)
    scorer = keras_engine.scorer_of(disturb(build(spec)), card_of(spec))
    pixels = tiny_models.draw_pixels(90, 200)
    views = fcn_core_views.views((90, 200), "multi_crop", side=128)
    assert len(views) == 3
    each = [scoring.rate_views(scorer, pixels, [view])["ratings"][0] for view in views]
    together = scoring.rate_views(scorer, pixels, views)
    assert together["ratings"][0] == pytest.approx(np.mean(each, axis=0), abs=1e-6)
    bins = np.arange(1, 11)
    assert together["mean"][0] == pytest.approx(together["ratings"][0] @ bins, rel=1e-5)
    padded = fcn_core_views.views((90, 200), "pad_mask", side=128)
    masked = scoring.rate_views(scorer, pixels, padded, masked=True)
    plain = scoring.rate_views(scorer, pixels, padded)
    assert not np.allclose(masked["ratings"], plain["ratings"], atol=1e-4)


def test_ava_fcn_wrong_views_are_refused() -> None:
    with pytest.raises(ValueError, match="expected one of"):
        fcn_core_views.views((5, 5), "stretch", side=8)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected one of them"):
        fcn_core_views.keep_ratio((5, 5), height=3, width=4)
    assert fcn_core_views.keep_ratio((400, 300)) == Size(400, 300)
    assert fcn_core_views.keep_ratio((400, 300), height=800) == Size(800, 600)
    assert fcn_core_views.keep_ratio((400, 300), height=200) == Size(299, 224)
