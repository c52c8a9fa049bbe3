import shutil
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest

from fcn_core.bundles.card import ModelError
from fcn_core.scoring import arithmetic, engines
from fcn_core.scoring.gpus import Gpu
from tests.drawn.tiny_models import draw_pixels

AVX2 = frozenset({"avx", "avx2", "fma"})
AVX512 = AVX2 | {"avx512f"}
AMX = AVX512 | {"avx512_bf16", "amx_bf16", "amx_int8", "avx512_vnni"}
VNNI = AVX512 | {"avx512_vnni"}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> "Machine":
    return Machine(monkeypatch)


class Machine:
    """Pretends a processor and a GPU."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def has(self, flags: frozenset[str], gpu: str | None = None) -> None:
        self._monkeypatch.setattr(arithmetic, "_cpu_flags", lambda: flags)
        capability = {"NVIDIA T4": 7.5, "NVIDIA L4": 8.9}.get(gpu or "", 6.1)
        found = Gpu("0", capability, gpu) if gpu else None
        self._monkeypatch.setattr(arithmetic, "_gpu", lambda: found)


@pytest.mark.parametrize(
    ("flags", "gpu", "asked", "expected"),
    [
        (AVX2, None, ("auto", "auto"), ("openvino", "f32", "avx2")),
        (AVX512, None, ("auto", "auto"), ("openvino", "f32", "avx512")),
        (AMX, None, ("auto", "auto"), ("openvino", "bf16", "amx_bf16")),
        (AMX, None, ("openvino", "f32"), ("openvino", "f32", "avx512")),
        (AMX - {"amx_bf16"}, None, ("auto", "bf16"), ("openvino", "bf16", None)),
        (AMX, None, ("tensorflow", "auto"), ("tensorflow", "bf16", "amx_bf16")),
        (AMX, "NVIDIA T4", ("auto", "auto"), ("tensorflow", "f16", "NVIDIA T4")),
        (AMX, "NVIDIA L4", ("auto", "auto"), ("tensorflow", "bf16", "NVIDIA L4")),
        (AMX, "NVIDIA L4", ("auto", "f16"), ("tensorflow", "f16", "NVIDIA L4")),
        (AMX, "NVIDIA P4", ("auto", "auto"), ("tensorflow", "f32", "NVIDIA P4")),
        (AVX2, "NVIDIA T4", ("openvino", "auto"), ("openvino", "f32", "avx2")),
        (AMX, "NVIDIA T4", ("openvino", "bf16"), ("openvino", "bf16", "amx_bf16")),
        (frozenset({"asimd", "bf16"}), None, ("auto", "auto"), (None, "bf16", None)),
        (AVX2, None, ("auto", "int8"), ("openvino", "int8", "avx2")),
        (AVX512, None, ("auto", "int8"), ("openvino", "int8", "avx512")),
        (VNNI, None, ("auto", "int8"), ("openvino", "int8", "avx512_vnni")),
        (AMX, None, ("auto", "int8"), ("openvino", "int8", "amx_int8")),
        (AVX2 | {"avx_vnni"}, None, ("auto", "int8"), (None, "int8", "avx2_vnni")),
    ],
)
def test_resolves_auto(
    machine: Machine,
    flags: frozenset[str],
    gpu: str | None,
    asked: tuple[str, str],
    expected: tuple[str | None, str | None, str | None],
) -> None:
    machine.has(flags, gpu)
    found = arithmetic.resolve_arithmetic(*asked)
    got = (found.engine, found.precision, found.instruction_set)
    for value, wanted in zip(got, expected, strict=True):
        assert wanted is None or value == wanted


@pytest.mark.parametrize(
    ("flags", "gpu", "asked", "message"),
    [
        (AVX512, None, ("auto", "bf16"), "--precision f32"),
        (AMX, "NVIDIA T4", ("auto", "bf16"), "NVIDIA T4.*f32, f16.*--precision f32"),
        (AMX, None, ("auto", "f16"), "a GPU for f16; pass --precision f32"),
        (AMX, None, ("torch", "auto"), "'torch'.*--engine auto"),
        (AMX, None, ("auto", "int4"), "'int4'.*--precision auto"),
        (AMX, None, ("tensorflow", "int8"), "tensorflow.*--engine openvino"),
        (AMX, "NVIDIA T4", ("auto", "int8"), "tensorflow.*--engine openvino"),
    ],
)
def test_refuses_with_the_cure(
    machine: Machine,
    flags: frozenset[str],
    gpu: str | None,
    asked: tuple[str, str],
    message: str,
) -> None:
    machine.has(flags, gpu)
    with pytest.raises(ModelError, match=message):
        arithmetic.resolve_arithmetic(*asked)


def test_hidden_gpu_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert arithmetic.resolve_arithmetic().engine == "openvino"


def test_engines_agree(segmentation_bundle: Path) -> None:
    images = np.stack([draw_pixels(96, 128, seed=seed) for seed in range(2)])
    by_tensorflow = engines.TensorFlowEngine(segmentation_bundle, precision="f32")
    by_openvino = engines.OpenVINOEngine(segmentation_bundle, precision="f32")
    expected, found = by_tensorflow.logits(images), by_openvino.logits(images)
    assert found.shape == expected.shape == (2, 12, 16, 5)
    assert found.dtype == expected.dtype == np.float32
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("engine", [engines.OpenVINOEngine, engines.TensorFlowEngine])
def test_logits_belong_to_the_caller(
    segmentation_bundle: Path,
    engine: type[engines.OpenVINOEngine] | type[engines.TensorFlowEngine],
) -> None:
    opened = engine(segmentation_bundle, precision="f32")
    images = draw_pixels(64, 64)[None]
    first = opened.logits(images)
    kept = first.copy()
    opened.logits(draw_pixels(64, 64, seed=1)[None])
    np.testing.assert_array_equal(first, kept)
    first[:] = 0
    np.testing.assert_array_equal(opened.logits(images), kept)


def test_same_photo_same_logits_whatever_came_before(segmentation_bundle: Path) -> None:
    images = draw_pixels(64, 96)[None]
    fresh = engines.OpenVINOEngine(segmentation_bundle, precision="f32")
    expected = fresh.logits(images)
    used = engines.OpenVINOEngine(segmentation_bundle, precision="f32")
    for height in (32, 48, 64):
        used.logits(draw_pixels(height, 96, seed=height)[None])
    np.testing.assert_array_equal(used.logits(images), expected)


def test_compiled_shapes_are_bounded(
    segmentation_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = []

    class Counting(openvino.Core):
        def compile_model(self, model: openvino.Model, *settings: Any) -> Any:
            compiled.append(tuple(model.input().shape)[1:3])
            return super().compile_model(model, *settings)

    monkeypatch.setattr(openvino, "Core", Counting)
    engine = engines.OpenVINOEngine(segmentation_bundle, precision="f32")

    def run(*sizes: tuple[int, int]) -> list[tuple[int, int]]:
        """Runs photos of these sizes; returns those that were compiled for it."""
        compiled.clear()
        for size in sizes:
            engine.logits(draw_pixels(*size)[None])
        return compiled.copy()

    sizes = [(16, 16 * n) for n in range(1, engines.MAX_COMPILED_SHAPES + 1)]
    assert run(*sizes) == sizes
    assert run(sizes[0], (32, 16)) == [(32, 16)]
    assert run(*sizes[2:], sizes[0], (32, 16)) == []
    assert run(sizes[1]) == [sizes[1]]


def test_bundle_without_ir(segmentation_bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(segmentation_bundle, copy)
    (copy / engines.IR_NAME).write_text("<net")
    with pytest.raises(ModelError, match="copy the bundle again"):
        engines.OpenVINOEngine(copy, precision="f32")
    (copy / engines.IR_NAME).unlink()
    chosen = arithmetic.Arithmetic("openvino", "f32", "avx2")
    with pytest.raises(ModelError, match="--engine tensorflow"):
        engines.open_engine(copy, chosen)
    (copy / "saved_model.pb").write_bytes(b"\xff\xff")
    with pytest.raises(ModelError, match="copy the bundle again"):
        engines.TensorFlowEngine(copy, precision="f32")
    (copy / "saved_model.pb").unlink()
    with pytest.raises(ModelError, match=r"no saved_model\.pb"):
        engines.TensorFlowEngine(copy, precision="f32")


def test_openvino_alone_computes_in_the_precision_asked_for(
    segmentation_bundle: Path,
) -> None:
    if arithmetic._bf16_instructions() is None:
        pytest.skip("this processor does not compute bfloat16 in hardware")
    images = draw_pixels(96, 128)[None]
    full = engines.OpenVINOEngine(segmentation_bundle, precision="f32").logits(images)
    half = engines.OpenVINOEngine(segmentation_bundle, precision="bf16").logits(images)
    difference = np.abs(full - half).max()
    assert 0 < difference < 0.05 * np.ptp(full)


def test_another_machines_arithmetic_is_taken_as_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arithmetic, "_cpu_flags", lambda: frozenset({"avx2"}))
    found = arithmetic.resolve_arithmetic("openvino", "bf16", "amx_bf16")
    assert vars(found) == {
        "engine": "openvino",
        "precision": "bf16",
        "instruction_set": "amx_bf16",
    }
    with pytest.raises(ModelError, match="expected both named"):
        arithmetic.resolve_arithmetic("auto", "bf16", "amx_bf16")
