"""docs/gpu.md: its commands are in order, its figures add up, its tables are code."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu_lanes, gpu_nights, night_memory, padded_shapes
from benchmarks.gpu import __main__ as bench
from benchmarks.gpu import roofline
from benchmarks.gpu.networks import MEASURED, NETWORKS
from benchmarks.gpu.roofline import SHEETS, Work
from fcn_core.geometry import Size
from fcn_core.scoring.feed import Feed
from pipelines.estimate.config import EstimateConfig
from pipelines.estimate.prices import read_prices
from pipelines.score.config import ScoreConfig
from pipelines.training.config import TrainConfig
from tests.doubles.dataflow_jobs import launched
from tests.doubles.loopback import loopback_only

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/gpu.md").read_text("utf-8")
SHOWN = "Shown without a GPU"


def commands(*beginning: str) -> list[list[str]]:
    """Returns the words behind a beginning, of each line in the fenced blocks."""
    blocks = re.findall(r"```bash\n(.*?)```", TEXT, flags=re.DOTALL)
    lines = [line for b in blocks for line in b.replace("\\\n", " ").splitlines()]
    words = [shlex.split(line) for line in lines]
    count = len(beginning)
    return [each[count:] for each in words if each[:count] == [*beginning]]


def tables(heading: str) -> list[list[str]]:
    """Returns the rows of the first table of a section, without the heading's."""
    (section,) = re.findall(rf"^## {heading}$(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


@pytest.mark.parametrize("words", commands("python", "-m", "benchmarks.gpu"))
def test_the_benchmark_takes_its_commands(words: list[str]) -> None:
    asked = bench.parser().parse_args(words)
    cells = [*bench.cells(asked, asked.precisions or ["f32"])]
    assert {cell.network for cell in cells} == {*asked.networks}


def test_the_makefile_has_the_target() -> None:
    ((target, photos),) = commands("make")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert f"\n{target}:\n\t$(PYTHON) -m benchmarks.gpu" in makefile
    assert f"$({photos.partition('=')[0]})" in makefile


def test_jobs_on_this_page_are_in_order(tmp_path: Path) -> None:
    pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")
    from pipelines.runners import dataflow, dataflow_preview, flags

    (words,) = commands("fcn", "score")
    config, beam = ScoreConfig.parse(words)
    flags.check_flags(beam, ours=ScoreConfig.flags())
    with loopback_only():
        options = dataflow.options(
            [*beam, "--dry_run=true"],
            output=config.output,
            engine=config.engine,
            precision=config.precision,
            instruction_set=config.instruction_set,
        )
        shown = dataflow_preview.preview(launched(options, tmp_path).job)
    assert shown["machine_type"] == "g2-standard-16"


def test_the_other_commands_are_known() -> None:
    (words,) = commands("fcn", "estimate")
    config, beam = EstimateConfig.parse(words)
    assert (config.workers, beam) == (20, [])
    (words,) = commands("fcn", "train")
    training, _ = TrainConfig.parse(words)
    assert (training.devices, training.precision) == (0, "bfloat16")


def test_costs_follow_from_the_prices() -> None:
    prices = read_prices(None)
    machines = {machine.machine_type: machine for machine in prices.machines}
    used = ["c3-standard-8", "g2-standard-8", "g2-standard-8"]
    rows = tables("What it costs")
    for name, (_, hour, rate, million, more) in zip(used, rows, strict=True):
        price = prices.worker_hour(machines[name])
        hours = 1e6 / float(rate) / 3600
        assert hour == f"${price:.2f}"
        assert million == f"{hours:.1f} hours, ${hours * price:.2f}"
        assert more == f"{100 * hours:.0f} hours, ${100 * hours * price:.0f}"
    gpu = machines["g2-standard-8"]
    assert rows[1][2] == f"{gpu.images_per_second:.0f}"
    ratio = prices.worker_hour(gpu) / prices.worker_hour(machines["c3-standard-8"])
    assert f"where it is {ratio:.1f} times as fast" in TEXT


def test_requests_follow_from_the_prices() -> None:
    storage, photos = read_prices(None).storage, 1e8
    chunks = photos / 256
    reads = photos + 4 * chunks
    writes = 2 * chunks + photos / 1000
    total = reads * storage.per_million_reads + writes * storage.per_million_writes
    assert f"about ${total / 1e6:.0f}." in TEXT


def test_lanes_add_up() -> None:
    found = re.search(
        r"fit ([\d.]+) ms, class map .*? ([\d.]+) ms, PNG ([\d.]+) ms: \*\*([\d.]+) ms",
        TEXT,
    )
    assert found is not None
    *steps, total = map(float, found.groups())
    assert sum(steps) == pytest.approx(total)
    assert f"N * {total / 1e3:.4f} such cores" in TEXT
    assert f"for ratings alone N * {steps[0] / 1e3:.4f}" in TEXT
    shared = re.search(r"together take ([\d.]+) ms of CPU time", TEXT)
    assert shared is not None
    assert f"(below): N * {float(shared[1]) / 1e3:.4f}" in TEXT
    whole = 8 / total * 1e3
    assert f"feed {round(whole / 2, -1):.0f} to {round(whole, -1):.0f} images" in TEXT


def bounds() -> Mapping[str, list[float]]:
    """Returns the numbers of the table of bounds by the names of networks."""
    rows = tables("Which machine for which model")
    return {
        name.strip("`"): [float(cell.replace(",", "")) for cell in cells]
        for name, *cells in rows
    }


def test_bounds_follow_from_the_work() -> None:
    assert tuple(bounds()) == MEASURED
    for name, (gigaflops, megabytes, *shown) in bounds().items():
        found = Work(gigaflops, megabytes)
        assert len(shown) == len(SHEETS)
        for bound, sheet in zip(shown, SHEETS.values(), strict=True):
            # The table's work is rounded; that of small networks to one digit.
            near = 0.3 if name == "quality" else 0.02
            assert bound == pytest.approx(found.bound(sheet), rel=near)


@pytest.mark.parametrize(
    "name",
    [
        name if name == "quality" else pytest.param(name, marks=pytest.mark.slow)
        for name in MEASURED
    ],
)
def test_the_work_is_that_of_the_network(name: str) -> None:
    gigaflops, megabytes, *_ = bounds()[name]
    found = roofline.work(NETWORKS[name], Size(480, 640))
    assert round(found.gigaflops, 1) == gigaflops
    assert round(found.megabytes) == megabytes


def test_the_table_of_placement_is_the_launchers() -> None:
    pytest.importorskip("google.cloud.dataflow", reason="needs fcn[gcp]")
    from pipelines.runners.dataflow_gpus import KINDS

    rows = {row[0].strip("`"): row[1:] for row in tables("Placement")}
    assert set(rows) == set(KINDS)
    for name, (machines, count, precisions, word) in rows.items():
        kind = KINDS[name]
        assert machines == f"`{kind.machines}*`"
        assert tuple(precisions.split(", ")) == kind.precisions
        assert word == kind.word
        if kind.cpus is not None:
            given = re.findall(r"(\d+)(?: \((\d+)[^)]*\))?", count)
            known = {int(number): int(most) for number, most in given if most}
            assert known.items() <= kind.cpus.items()
            assert {int(number) for number, _ in given} == set(kind.cpus)


@pytest.mark.parametrize(
    "benchmark", [gpu_lanes, gpu_nights, night_memory, padded_shapes]
)
def test_the_benchmarks_without_a_gpu_take_their_commands(benchmark: Any) -> None:
    (words,) = commands("python", "-m", benchmark.__name__)
    benchmark.parser().parse_args(words)


def test_padding_costs_what_the_table_says() -> None:
    sizes = [*padded_shapes.drawn_sizes(10_000)]
    for multiple, _, *mixes in tables("Padded sizes"):
        for max_side, cell in zip((512, 1024), mixes, strict=True):
            number = int(multiple.strip("*"))
            feed = Feed(max_side, 1.0, number, minimum=8, padding_value=(0, 0, 0))
            found = padded_shapes.cost(sizes, feed, multiple=number)
            shown = f"{found['sizes']}, {found['padding']:.1%}"
            assert cell.strip("*") == shown
            if (number, max_side) == (128, 512):
                assert f"{found['in_five']:.0%} of the mix" in TEXT


def test_memory_grows_as_it_says() -> None:
    rows = {row[0]: [int(c.split()[0]) for c in row[1:]] for row in tables(SHOWN)}
    growth = [
        many / few - 1 for few, many in zip(rows["500"], rows["5,000"], strict=True)
    ]
    text = re.search(r"to 5,000 it is ([\d.]+)% and ([\d.]+)%", TEXT)
    assert text is not None
    for found, shown in zip(growth, text.groups(), strict=True):
        assert found == pytest.approx(float(shown) / 100, abs=0.002)
        assert found <= 0.05
