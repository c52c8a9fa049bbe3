"""The benchmark of GPUs, on a processor: its figures, its table, what it imports."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.gpu import end_to_end, lanes, photos, rates, report
from benchmarks.gpu.networks import MEASURED, NETWORKS
from benchmarks.gpu.rates import Cell, Rate
from fcn_core.geometry import Size
from fcn_core.models.spec import ModelSpec

ROOT = Path(__file__).resolve().parents[2]
TINY = "--device cpu --networks quality --batches 1 2 --sizes 32x32 --seconds 0.01"

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] in {names}:
            raise ImportError(f"blocked {{name}}", name=name)

sys.meta_path.insert(0, Blocked())
from benchmarks.gpu.__main__ import main
sys.exit(main({words}))
"""

OURS = ["apache_beam", "openvino", "pipelines", "pyarrow", "pydantic", "simplejpeg"]
"""Packages that a night needs and the benchmark must not."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain copy of what the benchmark needs of the repository."""
    root = tmp_path_factory.mktemp("plain")
    ignored = shutil.ignore_patterns("__pycache__", "built_in")
    for name in ("benchmarks", "fcn_core"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    return root


def run(folder: Path, words: str, *, blocked: list[str]) -> str:
    """Returns what the benchmark prints where some packages cannot be imported."""
    program = BLOCKED.format(names=blocked, words=words.split())
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "KERAS_BACKEND")
    }
    environment["CUDA_VISIBLE_DEVICES"] = ""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_a_device_it_is_one_line(copy: Path) -> None:
    """And nothing is imported beside NumPy and Pillow, not even Keras."""
    blocked = [*OURS, "h5py", "jax", "keras", "rich", "scipy", "tensorflow"]
    program = "import importlib.util as u; u.find_spec = lambda name: None\n"
    text = BLOCKED.format(names=blocked, words=[])
    done = subprocess.run(
        [sys.executable, "-c", program + text],
        cwd=copy,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("no device: ")
    assert done.stdout.count("\n") == 1


@pytest.fixture(scope="module")
def measured(copy: Path) -> tuple[list[str], Mapping[str, Any]]:
    """The table and the JSON of a tiny measurement, without a night's packages."""
    pytest.importorskip("tensorflow", reason="needs TensorFlow, or JAX instead of it")
    words = f"{TINY} --count 2 --json figures.json"
    lines = run(copy, words, blocked=OURS).splitlines()
    return lines, json.loads((copy / "figures.json").read_text("utf-8"))


def test_the_figures_of_a_tiny_network(
    measured: tuple[list[str], Mapping[str, Any]],
) -> None:
    _, figures = measured
    assert [rate["batch"] for rate in figures["rates"]] == [1, 2]
    for rate in figures["rates"]:
        assert (rate["network"], rate["precision"]) == ("quality", "f32")
        assert (rate["height"], rate["width"], rate["note"]) == (32, 32, "")
        assert rate["images_per_second"] > 0
        assert rate["on_device"] > 0
        assert rate["first_seconds"] > 0
        assert rate["lanes_needed"] >= 1
    times = figures["lanes"]["32x32"]
    assert min(times["decode"], times["class_map"], times["png"]) > 0
    assert times["photos"] == 2
    assert times["used"] == "Pillow (blocked simplejpeg)"


def test_the_table_has_a_line_for_each_figure(
    measured: tuple[list[str], Mapping[str, Any]],
) -> None:
    lines, figures = measured
    assert lines[0].startswith(f"{figures['device']}, {figures['library']}, as a night")
    assert lines[1].split()[:5] == ["network", "photo", "precision", "batch", "output"]
    rows = [line.split() for line in lines[2:4]]
    for row, rate in zip(rows, figures["rates"], strict=True):
        shown = ["quality", "32x32", "f32", str(rate["batch"]), "logits"]
        assert row[:5] == shown
        assert float(row[5]) == pytest.approx(rate["images_per_second"], rel=1e-3)
        assert int(row[8]) == rate["lanes_needed"]
    assert lines[4].startswith("a core of this host, 32x32: decode ")
    assert lines[5:] == [
        "end to end: left out: none of the networks has logits at stride 8"
    ]


class Canned:
    """A program that knows its logits, and refuses large batches as a GPU does."""

    def __init__(self, canvas: Size, most: int):
        self.logits = photos.draw_logits(canvas, 0)
        self.most = most

    def put(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if len(pixels) > self.most:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
        return pixels

    def run(self, pixels: NDArray[np.uint8]) -> list[NDArray[Any]]:
        return [np.repeat(self.logits[None], len(pixels), 0)]

    def wait(self, outputs: object) -> None:
        pass

    def get(self, outputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        return outputs


class CannedDevice:
    """A device of `Canned` programs."""

    def __init__(self) -> None:
        self.library, self.name = "none", "canned"
        self.precisions: Sequence[str] = ("f32",)
        self.built = list[str]()

    def program(self, spec: ModelSpec, precision: str, *, maps: bool = False) -> Canned:
        (name,) = [n for n, each in NETWORKS.items() if each == spec]
        self.built.append(name)
        if name == "deconvnet-vgg16":
            raise ValueError("no such\nkernel")
        return Canned(Size(64, 64), most=8)


def cells(network: str, *batches: int) -> Iterator[Cell]:
    for batch in batches:
        yield Cell(network, "f32", 64, 64, batch)


def test_what_does_not_fit_is_a_cell_and_not_an_end() -> None:
    device = CannedDevice()
    asked = [
        *cells("voc21", 1, 8, 32, 128),
        *cells("deconvnet-vgg16", 1),
        *cells("fcn8s-vgg16", 1),
    ]
    found = [*rates.measure(asked, device, seconds=0.001)]
    assert [rate.cell for rate in found] == asked
    assert [rate.note for rate in found] == [
        *("", "", "out of memory", "out of memory in a smaller batch"),
        "ValueError: no such kernel",
        "",
    ]
    assert device.built == ["voc21", "deconvnet-vgg16", "fcn8s-vgg16"]
    huge = Cell("deconvnet-vgg16", "f32", 1 << 16, 1 << 16, 128)
    (left_out,) = rates.measure([huge], device, seconds=0.001)
    assert left_out.note == "left out: its logits do not fit into the host's memory"
    (late,) = rates.measure(cells("voc21", 1), device, seconds=0.001, until=0)
    assert late.note == "left out: no time"


def test_a_note_takes_the_place_of_numbers_in_the_table() -> None:
    cell = Cell("voc21", "bf16", 512, 512, 128)
    times = lanes.LaneTimes(2.0, 3.0, 1.0, "fcn_core", 0.1, 64)
    shown = report.Report("NVIDIA L4", "jax 0", autotuned=False, cores=8)
    shown.lanes["512x512"] = times
    shown.rates += [
        Rate(cell, note="out of memory"),
        Rate(replace(cell, batch=8), 1500.0, 2000.0, 12.0),
        Rate(replace(cell, network="quality", batch=8), 1500.0, 2000.0, 12.0),
    ]
    rows = [line.split() for line in shown.lines()][2:5]
    assert rows[0][5:] == ["out", "of", "memory"]
    assert rows[1][5:] == ["1500", "2000", "12.0", "9"]
    assert rows[2][5:] == ["1500", "2000", "12.0", "3"]


@pytest.mark.parametrize(
    ("is_trial", "line"),
    [
        (False, "voc21 512x512 bf16: 0.75 times as fast where the device makes class"),
        (True, "class maps of the device: a processor stands in for one here, which"),
    ],
)
def test_class_maps_of_the_device_are_compared_on_a_gpu_only(
    *, is_trial: bool, line: str
) -> None:
    cell = Cell("voc21", "bf16", 512, 512, 8)
    shown = report.Report("a device", "jax 0", autotuned=False, cores=8)
    shown.is_trial = is_trial
    shown.rates = [
        Rate(replace(cell, batch=1), 900.0, 900.0, 1.0),
        Rate(cell, 2000.0, 2000.0, 1.0),
        Rate(replace(cell, output="maps"), 1500.0, 1500.0, 1.0),
    ]
    assert [*shown.lines()][5].startswith(line)
    shown.rates.pop()
    assert len([*shown.lines()]) == 4


def test_photos_become_masks_through_lanes(tmp_path: Path) -> None:
    canvas = Size(96, 128)
    files = photos.draw_photos(tmp_path, 7)
    program = Canned(canvas, most=8)
    with end_to_end.line(program, canvas, half=True, batch=2, lanes=1) as line:
        found = line.run(files, 2)
        assert end_to_end.images_per_second(line, files, 2) > 0
    steps = photos.steps()
    _, placement = photos.fitted(steps.decode(files[0].read_bytes(), 128), canvas)
    logits = program.logits.astype(np.float16).astype(np.float32)
    mask = steps.encode(
        steps.class_map(logits, placement, stride=8, alignment="corner")
    )
    assert found == len(files) * len(mask)


def test_every_kind_of_network_is_measured() -> None:
    specs = [NETWORKS[name] for name in MEASURED]
    assert {"fcn8s", "fcn16s", "fcn32s", "dilated", "deconvnet"} <= {
        spec.name for spec in specs
    }
    assert {"mobilenet_v2", "vgg16", "resnet50", "mobilenet"} <= {
        spec.backbone for spec in specs
    }
    assert {spec.task for spec in specs} == {"segmentation", "aesthetics"}
