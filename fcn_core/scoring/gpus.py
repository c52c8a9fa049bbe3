"""The GPUs that this process may use; nothing here loads a library of theirs."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
"""Which GPUs CUDA shows to a process: their numbers; none where it is empty."""

BY_BUS: Final = ("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
"""Has CUDA number GPUs as the driver does."""


class Gpu(NamedTuple):
    """A GPU.

    Attributes:
        number: As CUDA_VISIBLE_DEVICES has it.
        capability: What it can compute, as CUDA numbers it; 0 where it is not known.
        model: Its name.
    """

    number: str
    capability: float
    model: str


def visible_gpus() -> list[Gpu]:
    """Returns the NVIDIA GPUs that this process may use, in their order."""
    chosen = os.environ.get(VISIBLE)
    program = shutil.which("nvidia-smi")
    if chosen in ("", "-1") or program is None or not Path("/dev/nvidiactl").exists():
        return []
    fields = "--query-gpu=index,uuid,compute_cap,name"
    query = [program, fields, "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(
            query, capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    found = list(_parse(answer.stdout))
    if chosen is None:
        return [gpu for _, gpu in found]
    by_name = {name: gpu for uuid, gpu in found for name in (gpu.number, uuid)}
    words = [word.strip() for word in chosen.split(",")]
    return [by_name[word] for word in words if word in by_name]


def _parse(text: str) -> Iterator[tuple[str, Gpu]]:
    for line in text.splitlines():
        words = [word.strip() for word in line.split(",", 3)]
        if len(words) == 4:
            number, uuid, capability, model = words
            is_known = capability.replace(".", "", 1).isdigit()
            yield uuid, Gpu(number, float(capability) if is_known else 0.0, model)


@contextmanager
def only(device: str) -> Iterator[None]:
    """Shows this process the GPU of a number, none (`cpu`), or what it saw (`auto`)."""
    before = os.environ.get(VISIBLE)
    if device.isdigit():
        os.environ[VISIBLE] = device
    elif device == "cpu":
        os.environ[VISIBLE] = ""
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VISIBLE, None)
        else:
            os.environ[VISIBLE] = before
