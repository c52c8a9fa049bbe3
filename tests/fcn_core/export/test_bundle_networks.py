"""Architectures on their way to a night: export, score, padding."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import geometry, images, scoring
from fcn_core.bundles.card import ModelCard
from fcn_core.evaluation import keras_engine
from fcn_core.export import bundle, draft_card
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.scoring import class_maps
from tests.drawn import tiny_models
from tests.drawn.tiny_networks import balance, disturb, drawn, tiny

QUICK = ("fcn8s vgg16 caffe", "classifier mobilenet")
OTHERS = (
    "dilated vgg16 8",
    "classifier vgg19 low",
    "fcn8s vgg16 transposed",
    "fcn8s mobilenet_v2",
    "fcn8s mobilenet_v2 affinity",
    "fcn8s resnet50",
    "dilated resnet50 8",
    "deconvnet vgg16",
    "deconvnet repeat",
    "classifier resnet50 mark",
)


def card_of(spec: ModelSpec) -> ModelCard:
    card = draft_card.draft_card(
        spec,
        name="exported",
        classes=["background", "cat", "dog"],
        padding_value=(124, 117, 104),
        max_side=None,
    )
    return card.model_copy(update={"version": "1"})


@pytest.mark.parametrize(
    "name",
    [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)],
)
def test_exported_and_scored_is_the_same(name: str, tmp_path: Path) -> None:
    spec, model = tiny(name), drawn(name)
    card = card_of(spec)
    if spec.task == "segmentation":
        pixels = tiny_models.draw_pixels(150, 201)
        balance(model, images.pad(pixels, geometry.Size(256, 256), card.padding_value))
    bundle.export(model, tmp_path / "bundle", card)
    data = tiny_models.draw_photo(150, 201)
    expected = scoring.PhotoScorer([keras_engine.scorer_of(model, card)]).score_photo(
        data
    )
    for engine in ("tensorflow", "openvino"):
        scorer = scoring.load_scorer(str(tmp_path / "bundle"), engine, "f32")
        found = scoring.PhotoScorer([scorer]).score_photo(data)
        if spec.task == "aesthetics":
            assert found.aesthetics_ratings == pytest.approx(
                expected.aesthetics_ratings, abs=1e-5
            )
            continue
        ours, theirs = (
            images.decode_mask(score.mask_png or b"") for score in (found, expected)
        )
        assert len(np.unique(theirs)) > 1
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    "pooling", ["average", pytest.param("max", marks=pytest.mark.slow)]
)
def test_pooling_is_the_same_in_every_signature(pooling: Any, tmp_path: Path) -> None:
    spec = ModelSpec(
        task="aesthetics",
        name="classifier",
        backbone="vgg16",
        classes=10,
        pooling=pooling,
        width=0.05,
        head_width=6,
    )
    bundle.export(disturb(build(spec)), tmp_path / "bundle", card_of(spec))
    from fcn_core.scoring import check

    findings = check.check(tmp_path / "bundle")
    assert [f for f in findings if f.level != "ok"] == []
    card = ModelCard.read(tmp_path / "bundle")
    assert card.pooling == pooling


def class_map_of(model: Any, spec: ModelSpec, pixels: Any, multiple: int) -> Any:
    placement = geometry.place(pixels.shape[:2], max_side=None, multiple=multiple)
    padded = images.pad(pixels, placement.padded, (124, 117, 104))
    return class_maps.class_map(
        np.asarray(model(padded[None].astype(np.float32)))[0],
        placement,
        stride=spec.logits_stride,
        alignment=spec.alignment,
    )


@pytest.mark.parametrize(
    "name", ["fcn8s vgg16", pytest.param("fcn8s resnet50", marks=pytest.mark.slow)]
)
def test_padding_reaches_no_further_than_the_network_looks(name: str) -> None:
    """Nothing changes beyond half a field of view, little 32 pixels from the border."""
    spec, model = tiny(name), drawn(name)
    pixels = tiny_models.draw_pixels(64, 1275)
    alone = class_map_of(model, spec, pixels, 1)
    # Five columns are added, at the right.
    changed = alone != class_map_of(model, spec, pixels, 32)
    assert not changed[:, :-320].any()
    assert changed[:, :-32].mean() < 0.01
    assert len(np.unique(alone)) > 1
