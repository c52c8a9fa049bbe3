"""This machine as a night sees it: instructions, cores, memory, GPU, room."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from fcn_core import machine
from fcn_core.bundles.card import ModelError
from fcn_core.scoring.arithmetic import resolve_arithmetic
from pipelines.doctor.config import DoctorConfig
from pipelines.doctor.finding import Finding
from pipelines.lanes.budget import ORDINARY_BYTES
from pipelines.lanes.settings import LANE_BYTES, LaneSettings

_SLOW: Final = ("avx", "x86_64", "aarch64", "arm64")
_GIB: Final = 1 << 30
_TEMPORARY_BYTES: Final = _GIB
"""A listing of some ten million photos and a table's file, spilled to the disk."""


def check_instructions(config: DoctorConfig) -> Finding:
    """Checks engine, precision and instructions: what `auto` means here."""
    try:
        chosen = resolve_arithmetic(
            config.engine, config.precision, config.instruction_set
        )
    except ModelError as error:
        detail, _, cure = str(error).rpartition("; ")
        return Finding("wrong", "arithmetic", detail, cure)
    detail = f"{chosen.engine} in {chosen.precision} on {chosen.instruction_set}"
    if chosen.instruction_set in _SLOW:
        cure = "expect a fraction of the usual speed, or take a processor with AVX2"
        return Finding("warning", "arithmetic", f"{detail}: without AVX2", cure)
    return Finding("ok", "arithmetic", detail)


def check_cores_and_memory() -> Finding:
    """Checks how many lanes the cores and the memory of this process allow."""
    cores, memory = machine.usable_cores(), machine.memory_bytes()
    lanes = LaneSettings(task="", config={}, lanes=None).count
    detail = f"{_number(cores, 'core')}, {memory / _GIB:.1f} GiB: "
    detail += _number(lanes, "lane")
    if memory < 2 * (LANE_BYTES + ORDINARY_BYTES):
        cure = "give it 2 GiB or more: photos would fail for want of memory"
        return Finding("wrong", "cores", detail, cure)
    if lanes < cores:
        cure = f"give it {cores * (LANE_BYTES + ORDINARY_BYTES) / _GIB + 1:.0f} GiB"
        return Finding("warning", "cores", f"{detail}, fewer than cores", cure)
    if cores < machine.allowed_cores():
        detail += f"; a quota leaves {cores} of {machine.allowed_cores()} cores"
    return Finding("ok", "cores", detail)


def _number(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def check_gpu(device: Path = Path("/dev/nvidia0")) -> Finding:
    """Checks that a GPU, where there is one, has its driver and is not hidden.

    Args:
        device: What the driver makes for the first GPU.
    """
    if not device.exists():
        return Finding("ok", "gpu", "none; the CPU scores")
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
        cure = "unset CUDA_VISIBLE_DEVICES if the GPU is to score"
        return Finding("warning", "gpu", "hidden by CUDA_VISIBLE_DEVICES", cure)
    program = shutil.which("nvidia-smi")
    if program is None:
        cure = "install the driver's nvidia-smi: without it the CPU scores"
        return Finding("warning", "gpu", "a device, but no nvidia-smi", cure)
    names = "--query-gpu=name,driver_version,memory.total"
    asked = [program, names, "--format=csv,noheader"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=3, check=False)
    if done.returncode:
        detail = " ".join((done.stdout + done.stderr).split())[:200]
        return Finding("wrong", "gpu", detail, "mend the driver, or hide the GPU")
    return _check_libraries(done.stdout.strip().splitlines())


def _check_libraries(gpus: list[str]) -> Finding:
    """Checks that what TensorFlow needs besides the driver can be loaded."""
    detail = "; ".join(gpus)
    for library in ("libcuda.so.1", "libcudart.so.12", "libcudnn.so.9"):
        if not _is_found(library):
            cure = "pip install 'tensorflow[and-cuda]', or use the image for GPUs"
            return Finding("warning", "gpu", f"{detail}; no {library}", cure)
    return Finding("ok", "gpu", detail)


def _is_found(library: str) -> bool:
    try:
        ctypes.CDLL(library)
        return True
    except OSError:
        pass
    # Where TensorFlow's own packages for CUDA have it.
    folders = (Path(folder, "nvidia") for folder in sys.path if folder)
    return any(next(f.glob(f"*/lib/{library}"), None) for f in folders if f.is_dir())


def check_temporary_folder() -> Finding:
    """Checks that there is room for what a large night spills to the disk."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    detail = f"{folder}, {free / _GIB:.1f} GiB free"
    if free < _TEMPORARY_BYTES:
        cure = "make room, or set TMPDIR to another folder"
        return Finding("warning", "temporary", detail, cure)
    return Finding("ok", "temporary", detail)
