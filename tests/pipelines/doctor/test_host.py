"""What the machine is said to be is what it is, and what is wrong has a cure."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from fcn_core import machine
from fcn_core.scoring.arithmetic import resolve_arithmetic
from pipelines.doctor import host
from pipelines.doctor.config import DoctorConfig


def test_the_arithmetic_is_the_one_in_force() -> None:
    found = host.check_instructions(DoctorConfig())
    chosen = resolve_arithmetic()
    expected = f"{chosen.engine} in {chosen.precision} on {chosen.instruction_set}"
    assert found.detail.startswith(expected)
    assert found.level in ("ok", "warning")


def test_a_precision_that_is_not_there_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fcn_core.scoring.arithmetic._cpu_flags", frozenset)
    found = host.check_instructions(DoctorConfig(precision="bf16"))
    assert found.level == "wrong"
    assert found.cure == "pass --precision f32"


def test_a_processor_without_avx2_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = frozenset({"avx"})
    monkeypatch.setattr("fcn_core.scoring.arithmetic._cpu_flags", lambda: flags)
    assert host.check_instructions(DoctorConfig()).level == "warning"


@pytest.mark.parametrize(
    ("cores", "gib", "level", "says"),
    [
        (4, 16, "ok", "4 cores, 16.0 GiB: 4 lanes"),
        (1, 16, "ok", "1 core, 16.0 GiB: 1 lane"),
        (64, 8, "warning", "fewer than cores"),
        (2, 0.5, "wrong", "2 cores, 0.5 GiB: 1 lane"),
    ],
)
def test_lanes_need_cores_and_memory(
    monkeypatch: pytest.MonkeyPatch, cores: int, gib: float, level: str, says: str
) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: cores)
    monkeypatch.setattr(machine, "allowed_cores", lambda: cores)
    monkeypatch.setattr(machine, "memory_bytes", lambda: int(gib * 2**30))
    found = host.check_cores_and_memory()
    assert found.level == level
    assert says in found.detail
    assert (found.cure == "") == (level == "ok")


def test_without_a_gpu_the_cpu_scores(tmp_path: Path) -> None:
    found = host.check_gpu(tmp_path / "nvidia0")
    assert (found.level, found.detail) == ("ok", "none; the CPU scores")


def _make_gpu(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, script: str | None
) -> Path:
    device = folder / "nvidia0"
    device.touch()
    if script is not None:
        program = folder / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return device


def test_a_gpu_without_its_libraries_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "echo 'NVIDIA L4, 550.54, 23034 MiB'"
    device = _make_gpu(tmp_path, monkeypatch, script=script)
    monkeypatch.setattr(host, "_is_found", lambda name: name != "libcudnn.so.9")
    found = host.check_gpu(device)
    assert found.level == "warning"
    assert found.detail == "NVIDIA L4, 550.54, 23034 MiB; no libcudnn.so.9"
    monkeypatch.setattr(host, "_is_found", lambda name: True)
    assert host.check_gpu(device).level == "ok"


def test_a_driver_that_fails_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "echo 'Driver/library version mismatch' >&2; exit 18"
    found = host.check_gpu(_make_gpu(tmp_path, monkeypatch, script=script))
    assert found.level == "wrong"
    assert "mismatch" in found.detail


def test_a_gpu_that_is_hidden_or_unknown_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = _make_gpu(tmp_path, monkeypatch, script=None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "no nvidia-smi" in host.check_gpu(device).detail
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert "hidden" in host.check_gpu(device).detail


def test_a_full_temporary_folder_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    found = host.check_temporary_folder()
    assert (found.level, bool(found.cure)) == ("warning", True)
