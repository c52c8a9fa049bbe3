"""What a GPU would run, run by a CPU: a row's bits do not depend on its batch."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fcn_core.geometry import Size
from fcn_core.scoring import engines, gpu_engine
from fcn_core.scoring.arithmetic import Arithmetic, Precision
from fcn_core.scoring.device import open_network
from fcn_core.scoring.gpu_engine import GpuEngine, program_rows
from tests.drawn.tiny_models import draw_pixels

LARGEST = {"f32": 1e-4, "bf16": 0.05, "f16": 0.01}
"""Difference to float32, as a share of the logits' span."""


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return np.stack([draw_pixels(32, 48, seed=seed) for seed in range(8)])


@pytest.fixture(autouse=True)
def small_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_engine, "_MAX_PROGRAM_ROWS", 4)


@pytest.mark.parametrize("precision", ["f32", "bf16", "f16"])
def test_a_rows_bits_do_not_depend_on_its_batch(
    segmentation_bundle: Path, images: NDArray[np.uint8], precision: Precision
) -> None:
    is_half = precision != "f32"
    engine = GpuEngine(segmentation_bundle, precision=precision, half=is_half)
    found = engine.logits(images)
    assert found.dtype == (np.float16 if is_half else np.float32)
    for part in (slice(0, 1), slice(2, 7), slice(None, None, -1), slice(4, 8)):
        assert np.array_equal(engine.logits(images[part]), found[part])
    expected = engines.TensorFlowEngine(segmentation_bundle, precision="f32").logits(
        images
    )
    difference = np.abs(found.astype(np.float32) - expected).max()
    assert difference <= LARGEST[precision] * np.ptp(expected)
    assert (difference > 1e-4 * np.ptp(expected)) == is_half


def test_a_batch_is_computed_in_programs(
    segmentation_bundle: Path, images: NDArray[np.uint8]
) -> None:
    arithmetic = Arithmetic("tensorflow", "f16", "NVIDIA L4")
    network = open_network(str(segmentation_bundle), arithmetic)
    expected = network._engine.logits(images)
    assert expected.dtype == np.float16
    for count in (0, 1, 4, 7):
        found = network.compute(list(images[:count]), padded=Size(32, 48), size=8)
        got = [logits for (logits,) in found]
        assert len(got) == count
        assert all(map(np.array_equal, got, expected))
    assert isinstance(network._engine, GpuEngine)
    assert list(network._engine._compiled) == [(4, 32, 48, 3)]


def test_no_more_than_some_programs_are_kept(
    segmentation_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_engine, "_MAX_COMPILED_SHAPES", 1)
    engine = GpuEngine(segmentation_bundle, precision="f32", half=False)
    first = np.zeros((1, 16, 16, 3), np.uint8)
    before = engine.logits(first)
    engine.logits(np.zeros((1, 16, 32, 3), np.uint8))
    assert len(engine._compiled) == 1
    assert np.array_equal(engine.logits(first), before)


@pytest.mark.parametrize(
    ("task", "precision", "dtype"),
    [
        ("segmentation", "f16", np.float16),
        ("segmentation", "f32", np.float32),
        ("rating", "f16", np.float32),
    ],
)
def test_only_classes_leave_in_half_precision(
    request: pytest.FixtureRequest, task: str, precision: Precision, dtype: type
) -> None:
    bundle = request.getfixturevalue(f"{task}_bundle")
    engine = engines.open_engine(bundle, Arithmetic("tensorflow", precision, "NVIDIA"))
    assert isinstance(engine, GpuEngine)
    assert engine.logits(np.zeros((1, 16, 16, 3), np.uint8)).dtype == dtype


def test_programs_depend_on_the_photos_size_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpu_engine, "_MAX_PROGRAM_ROWS", 32)
    sizes = [(640, 640), (640, 512), (512, 512), (224, 224), (2048, 2048), (4096, 4096)]
    assert [program_rows(*size) for size in sizes] == [8, 8, 8, 32, 1, 1]
