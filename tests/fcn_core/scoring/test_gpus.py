"""GPUs as the driver lists them: those that this process may use, or none."""

import os
import subprocess
from pathlib import Path

import pytest

from fcn_core.scoring import arithmetic, gpus
from fcn_core.scoring.gpus import Gpu, only, visible_gpus

LIST = """0, GPU-aa, 8.9, NVIDIA L4
1, GPU-bb, 7.5, Tesla T4
2, GPU-cc, [N/A], Odd, with a comma
"""


@pytest.fixture(autouse=True)
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that lists three GPUs."""
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    monkeypatch.setattr(gpus.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(Path, "exists", lambda path: True)
    ended = subprocess.CompletedProcess([], 0, stdout=LIST)
    monkeypatch.setattr(gpus.subprocess, "run", lambda *a, **k: ended)


L4 = Gpu("0", 8.9, "NVIDIA L4")
T4 = Gpu("1", 7.5, "Tesla T4")
ODD = Gpu("2", 0.0, "Odd, with a comma")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (None, [L4, T4, ODD]),
        ("", []),
        ("-1", []),
        ("1", [T4]),
        ("2, 0", [ODD, L4]),
        ("GPU-bb", [T4]),
        ("7", []),
    ],
)
def test_what_is_shown_counts(
    monkeypatch: pytest.MonkeyPatch, shown: str | None, expected: list[Gpu]
) -> None:
    if shown is not None:
        monkeypatch.setenv(gpus.VISIBLE, shown)
    assert visible_gpus() == expected


def test_one_device_alone_is_shown_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    for before in (None, "0,1"):
        if before:
            monkeypatch.setenv(gpus.VISIBLE, before)
        with only("1"):
            assert arithmetic.resolve_arithmetic().instruction_set == "Tesla T4"
        with only("cpu"):
            assert not arithmetic.resolve_arithmetic("tensorflow").on_gpu
        with only("auto"):
            assert arithmetic.resolve_arithmetic().instruction_set == "NVIDIA L4"
        assert os.environ.get(gpus.VISIBLE) == before


@pytest.mark.parametrize("fault", [OSError("gone"), None])
def test_a_broken_driver_has_none(
    monkeypatch: pytest.MonkeyPatch, fault: OSError | None
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise fault or subprocess.CalledProcessError(9, "nvidia-smi")

    monkeypatch.setattr(gpus.subprocess, "run", fail)
    assert visible_gpus() == []
    assert arithmetic.resolve_arithmetic().engine == "openvino"
