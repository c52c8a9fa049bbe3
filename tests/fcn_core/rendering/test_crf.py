"""Class probabilities of pixels, and their refinement where it is installed."""

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fcn_core import geometry
from fcn_core.geometry import Placement, Size
from fcn_core.rendering import crf
from fcn_core.rendering.class_shares import class_shares
from fcn_core.scoring import class_maps


@pytest.mark.parametrize("alignment", ["corner", "center"])
@pytest.mark.parametrize(
    "placement",
    [
        Placement(Size(75, 101), Size(75, 101), Size(80, 112)),
        Placement(Size(150, 202), Size(75, 101), Size(80, 112)),
    ],
)
def test_shares_agree_with_the_exact_class_map(
    placement: Placement, alignment: Any
) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(10, 14, 5)).astype(np.float32)
    shares = class_shares(logits, placement, stride=8, alignment=alignment)
    assert shares.shape == (*placement.original, 5)
    assert np.abs(shares.sum(-1) - 1).max() < 1e-5
    expected = class_maps.class_map(logits, placement, stride=8, alignment=alignment)
    assert (shares.argmax(-1) == expected).mean() > 0.9999


def test_shares_at_a_logit_are_its_softmax() -> None:
    logits = np.random.default_rng(0).normal(size=(4, 4, 3)).astype(np.float32)
    placement = geometry.place((32, 32), max_side=None, multiple=8)
    shares = class_shares(logits, placement, stride=8, alignment="corner")
    exact = np.exp(logits[2, 1]) / np.exp(logits[2, 1]).sum()
    assert shares[16, 8] == pytest.approx(exact, abs=1e-6)


def drawn_square() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    """A bright square on a dark ground, and shares that are unsure about it."""
    rng = np.random.default_rng(0)
    truth = np.zeros((60, 80), np.uint8)
    truth[15:45, 20:60] = 1
    pixels = np.where(truth[..., None], 210, 40) + rng.integers(-8, 9, (60, 80, 3))
    blurred = np.zeros((60, 80))
    blurred[10:42, 24:66] = 1  # the model saw it some pixels aside
    noisy = 0.3 + 0.4 * blurred + rng.uniform(-0.25, 0.25, truth.shape)
    shares = np.stack([1 - noisy, noisy], axis=-1).astype(np.float32)
    return pixels.astype(np.uint8), truth, shares


def iou(found: NDArray[Any], truth: NDArray[Any]) -> float:
    return float((found & truth).sum() / (found | truth).sum())


def test_refinement_follows_the_photo() -> None:
    if importlib.util.find_spec("pydensecrf") is None:
        pytest.skip("pydensecrf2 is not installed")
    pixels, truth, shares = drawn_square()
    before = iou(shares.argmax(-1).astype(np.uint8), truth)
    refined = crf.refine(pixels, shares)
    assert refined.shape == truth.shape
    assert refined.dtype == np.uint8
    assert iou(refined, truth) > max(0.95, before)


def test_without_the_package_a_message_names_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pydensecrf", None)
    pixels, _, shares = drawn_square()
    with pytest.raises(crf.RefinementError, match=r"pip install 'fcn\[crf\]'"):
        crf.refine(pixels, shares)
    with pytest.raises(ValueError, match="one size"):
        crf.refine(pixels[1:], shares)
