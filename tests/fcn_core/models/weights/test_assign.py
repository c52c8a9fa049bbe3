"""Weights pass from network to network, and what is new is named."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from fcn_core.models.build import build
from fcn_core.models.layers import BilinearUpsampling
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import (
    describe_weights,
    tensors_of,
    transfer,
)
from tests.drawn.tiny_networks import draw_floats, scramble, small_spec


@pytest.mark.parametrize("backbone", ["vgg16", "mobilenet_v2"])
def test_skips_start_at_zero_exactly(backbone: str) -> None:
    coarse = scramble(build(small_spec("fcn16s", backbone)))
    fine_spec = small_spec("fcn8s", backbone)
    fine = build(fine_spec)
    report = transfer(coarse, fine)
    assert report.new == ("skip_stride8",)
    images = draw_floats(75, 101)
    upsampled = BilinearUpsampling(2, fine_spec.alignment)(coarse(images))
    logits = fine(images)
    expected = upsampled[:, : logits.shape[1], : logits.shape[2]]
    assert np.array_equal(np.asarray(logits), np.asarray(expected))
    assert np.ptp(np.asarray(logits)) > 1e-3


def test_staged_transfer_is_bit_identical_and_names_what_is_new() -> None:
    stages = [
        build(small_spec(name, "vgg16")) for name in ("fcn32s", "fcn16s", "fcn8s")
    ]
    scramble(stages[0])
    for source, target in itertools.pairwise(stages):
        before = tensors_of(target)
        report = transfer(source, target)
        shared = tensors_of(source)
        for name, values in tensors_of(target).items():
            assert np.array_equal(values, shared.get(name, before[name])), name
        assert {name.split("/")[0] for name in before} - {
            name.split("/")[0] for name in shared
        } == set(report.new)


def test_transfer_to_other_classes_keeps_the_rest() -> None:
    source, target = (
        build(ModelSpec(backbone="mobilenet_v2", width=0.1, head_width=8, classes=n))
        for n in (21, 3)
    )
    scramble(source)
    report = transfer(source, target)
    assert set(report.new) == {"head_score", "skip_stride8"}
    assert np.array_equal(
        source.get_layer("head_local").kernel, target.get_layer("head_local").kernel
    )


def test_weights_are_described_without_their_folder(tmp_path: Path) -> None:
    (tmp_path / "w.npz").write_bytes(b"abc")
    text = describe_weights(str(tmp_path / "w.npz"))
    assert text.startswith("w.npz sha256:ba7816bf")
    assert describe_weights("imagenet") == "imagenet"
