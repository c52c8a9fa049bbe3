"""Images a second of each network on this machine's GPU, and the lanes that feed it.

    python -m benchmarks.gpu --photos PHOTOS --json gpu.json

Each line of the table is a network at one size of photos, precision and size of
batches: `images/s` from the host's memory and back, `on device` without that, `first s`
the first batch with its compilation, `lanes` how many cores decode photos and make
masks as fast as that. Then the times of these steps, and photos to masks with all
cores. Without a GPU it says so in one line.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fcn_core.geometry import Size
from fcn_core.machine import usable_cores

_SIZES: Final = ("384x512", "512x512", "1024x1024")
_PHOTOS: Final = 512


def _size(text: str) -> Size:
    height, _, width = text.partition("x")
    size = Size(int(height), int(width))
    if min(size) < 1 or size.height % 32 or size.width % 32:
        raise ValueError
    return size


def parser() -> argparse.ArgumentParser:
    """Returns what the command understands."""
    from benchmarks.gpu.networks import MEASURED, NETWORKS

    made = argparse.ArgumentParser(
        prog="benchmarks.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("--device", choices=("auto", "cpu"), default="auto", help="cpu: as a trial")
    add("--networks", nargs="+", choices=[*NETWORKS], default=[*MEASURED])
    add("--batches", nargs="+", type=int, default=[1, 8, 32, 128])
    add("--sizes", nargs="+", type=_size, default=[_size(text) for text in _SIZES])
    add("--precisions", nargs="+", choices=("f32", "tf32", "bf16", "f16"))
    add("--maps", action="store_true", help="also let the device make class maps")
    add("--autotune", action="store_true", help="let XLA try out ways to compute")
    add("--photos", type=Path, help="a folder; drawn ones if it is not given")
    add("--count", type=int, default=_PHOTOS, help="photos at most")
    add("--lanes", type=int, help="of the run from end to end; all cores but one")
    add("--seconds", type=float, default=1.0, help="of each measurement")
    add("--minutes", type=float, default=math.inf, help="then cells are left out")
    add("--json", type=Path, help="write the figures here as well")
    return made


def cells(asked: argparse.Namespace, precisions: Sequence[str]) -> Iterator[Any]:
    """Yields what is to be measured, size by size, networks in their order."""
    from benchmarks.gpu.networks import NETWORKS
    from benchmarks.gpu.rates import Cell

    for height, width in asked.sizes:
        for network in asked.networks:
            maps = asked.maps and NETWORKS[network].task == "segmentation"
            for precision in precisions:
                for output in ("logits", "maps") if maps else ("logits",):
                    for batch in sorted(asked.batches):
                        yield Cell(network, precision, height, width, batch, output)


def end_to_end(
    asked: argparse.Namespace, device: Any, files: Sequence[Path]
) -> Mapping[str, Any]:
    """Returns figures of photos to masks, for the first network that makes them."""
    from benchmarks.gpu import end_to_end as through
    from benchmarks.gpu.networks import NETWORKS
    from benchmarks.gpu.rates import Cell, rate_of, reason

    fit = [n for n in asked.networks if NETWORKS[n].logits_stride == 8]
    if not fit:
        return {"note": "left out: none of the networks has logits at stride 8"}
    lanes = asked.lanes or max(1, usable_cores() - 1)
    precision = precisions_of(asked, device)[-1]
    batch = max(
        each for each in asked.batches if each <= 32 or each == min(asked.batches)
    )
    height, width = asked.sizes[0]
    cell = Cell(fit[0], precision, height, width, batch)
    program = device.program(NETWORKS[cell.network], precision)
    alone = rate_of(cell, program, seconds=asked.seconds)
    if alone.images_per_second is None:
        return {"note": alone.note}
    half = precision in ("bf16", "f16")
    try:
        with through.line(
            program, asked.sizes[0], half=half, batch=batch, lanes=lanes
        ) as line:
            rate = through.images_per_second(line, files, batch)
    except Exception as error:
        return {"note": reason(error)}
    return {
        "note": "",
        "network": cell.network,
        "precision": precision,
        "batch": batch,
        "lanes": lanes,
        "photos": len(files),
        "kind": "drawn" if asked.photos is None else "real",
        "images_per_second": rate,
        "alone": alone.images_per_second,
        "share": rate / alone.images_per_second,
    }


def precisions_of(asked: argparse.Namespace, device: Any) -> list[str]:
    """Returns the precisions to measure: those that are asked for and are there."""
    wanted = asked.precisions or (
        ["f32"] if asked.device == "cpu" else device.precisions
    )
    return [each for each in device.precisions if each in wanted]


def measure(asked: argparse.Namespace, device: Any, folder: Path) -> Any:
    """Returns the report; figures so far are written after each cell.

    Args:
        asked: What the command line says.
        device: Computes.
        folder: An empty one, for photos that are drawn.
    """
    from benchmarks.gpu import photos, rates
    from benchmarks.gpu.lanes import measure_lanes
    from benchmarks.gpu.report import Report

    files = (
        photos.draw_photos(folder, asked.count)
        if asked.photos is None
        else photos.photo_files(asked.photos, asked.count)
    )
    if not files:
        raise SystemExit(
            f"--photos {asked.photos}: got no photos, expected .jpg or .png files; "
            "check the path"
        )
    until = time.monotonic() + 60 * asked.minutes
    report = Report(device.name, device.library, asked.autotune, usable_cores())
    report.is_trial = asked.device == "cpu"
    for size in asked.sizes:
        name = f"{size.height}x{size.width}"
        report.lanes[name] = measure_lanes(files[:64], size)
    todo = cells(asked, precisions_of(asked, device))
    for rate in rates.measure(todo, device, seconds=asked.seconds, until=until):
        report.rates.append(rate)
        if asked.json is not None:
            report.write(asked.json)
    report.end_to_end = end_to_end(asked, device, files)
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints one table; returns the exit code."""
    asked = parser().parse_args(arguments)
    from benchmarks.gpu.libraries import find_device

    device = find_device(asked.device, autotune=asked.autotune)
    if device is None:
        print(
            "no device: neither TensorFlow nor JAX sees a GPU here, so nothing was "
            "measured; --device cpu tries the benchmark on the processor"
        )
        return 0
    with tempfile.TemporaryDirectory() as folder:
        report = measure(asked, device, Path(folder))
    if asked.json is not None:
        report.write(asked.json)
    print("\n".join(report.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
