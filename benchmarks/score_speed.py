"""Disk to disk against the bare model: `fcn score` and plain TensorFlow.

    python -m benchmarks.score_speed --photos VOC2012/JPEGImages --count 1200

Both run in this order, a few times, on the same photos:

- *bare TensorFlow*: the bundle's own SavedModel (upsampling and argmax in its graph),
  photos decoded, padded to 32 and grouped by shape before the clock starts, batches of
  8, all cores. No decoding, no mask, no row: what a TensorFlow pipeline cannot beat.
  It keeps its freed memory (`fcn_core.memory`), without which it is slower still.
- *fcn score*: the command, from its start to its exit: listing, plan, lanes, masks,
  table, page.
"""

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from fcn_core import geometry, images, memory, scoring
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.scoring.arithmetic import resolve_arithmetic

_BATCH = 8
_PEER_ROUNDING = 32


def link_photos(source: Path, folder: Path, count: int) -> int:
    """Fills a folder with `count` photos, a few of them more than once; returns it."""
    photos = sorted(source.glob("*.jpg"))
    if not photos:
        raise SystemExit(
            f"--photos {source}: got no .jpg, expected some; check the path"
        )
    for number, photo in zip(range(count), itertools.cycle(photos), strict=False):
        shutil.copyfile(photo, folder / f"{number:06}_{photo.name}")
    return count


def decode_all(folder: Path, card: ModelCard) -> dict[tuple[int, ...], list[Any]]:
    """Returns padded uint8 photos and their valid sizes, by shape."""
    groups: dict[tuple[int, ...], list[Any]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        image = images.decode(path.read_bytes(), max_side=card.max_side)
        placement = geometry.place(
            (image.height, image.width),
            max_side=card.max_side,
            enlarge=card.enlarge,
            multiple=_PEER_ROUNDING,
        )
        fitted = images.resize(image.pixels, placement.fitted)
        padded = images.pad(fitted, placement.padded, card.padding_value)
        groups[padded.shape].append((padded, placement.fitted))
    return groups


def time_tensorflow(bundle: Path, folder: Path, card: ModelCard) -> float:
    """Returns the seconds that the SavedModel needs for photos in memory."""
    memory.keep_freed_memory()
    import tensorflow as tf

    model = tf.saved_model.load(str(bundle)).signatures["serving_default"]
    batches = []
    for group in decode_all(folder, card).values():
        for start in range(0, len(group), _BATCH):
            photos = group[start : start + _BATCH]
            pixels = np.stack([padded for padded, _ in photos])
            sizes = np.array([fitted for _, fitted in photos], np.int32)
            batches.append((pixels, sizes))
    for pixels, sizes in {batch[0].shape: batch for batch in batches}.values():
        model(images=tf.constant(pixels), sizes=tf.constant(sizes))  # traces, warms up
    start_time = time.perf_counter()
    for pixels, sizes in batches:
        outputs = model(images=tf.constant(pixels), sizes=tf.constant(sizes))
        outputs["class_map"].numpy()
    return time.perf_counter() - start_time


def time_command(folder: Path, model: str, precision: str) -> float:
    """Returns the seconds of the whole `fcn score` command."""
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        subprocess.run(
            [
                *(sys.executable, "-m", "pipelines.cli", "score"),
                *("--input", str(folder), "--output", out, "--model", model),
                *("--engine", "openvino", "--precision", precision),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return time.perf_counter() - start


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs both sides `--rounds` times; returns seconds and ratios."""
    bundle = scoring.find_bundle(arguments.model)
    card = ModelCard.read(bundle)
    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = link_photos(arguments.photos, folder, arguments.count)
        for _ in range(arguments.rounds):
            seconds["tensorflow"].append(_in_own_process(arguments, folder))
            for precision in _precisions():
                took = time_command(folder, arguments.model, precision)
                seconds[f"fcn score {precision}"].append(took)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "model": card.label,
        "photos": count,
        "rounds": arguments.rounds,
        "cores": len(os.sched_getaffinity(0)),
        "instruction_set": resolve_arithmetic("openvino", "f32").instruction_set,
        "images_per_second": {n: round(count / s, 1) for n, s in median.items()},
        "ratio_to_tensorflow": {
            name: round(median["tensorflow"] / took, 2)
            for name, took in median.items()
            if name != "tensorflow"
        },
    }


def _in_own_process(arguments: argparse.Namespace, folder: Path) -> float:
    """Times TensorFlow in its own process: its threads must rest while `fcn` runs."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.score_speed", "--only_tensorflow"),
            *("--photos", str(folder), "--model", arguments.model),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[-1])


def _precisions() -> list[str]:
    try:
        resolve_arithmetic("openvino", "bf16")
    except ModelError as error:
        print(f"bf16 left out: {error}", file=sys.stderr)
        return ["f32"]
    return ["f32", "bf16"]


def main() -> None:
    """Prints the measured figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="voc21")
    parser.add_argument("--only_tensorflow", action="store_true")
    arguments = parser.parse_args()
    if arguments.only_tensorflow:
        bundle = scoring.find_bundle(arguments.model)
        card = ModelCard.read(bundle)
        print(time_tensorflow(bundle, arguments.photos, card))
        return
    print(json.dumps(measure(arguments), indent=1))


if __name__ == "__main__":
    main()
