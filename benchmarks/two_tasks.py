"""The cost of a second task: segmentation alone, both in one pass, two models.

    python -m benchmarks.two_tasks [--rounds 40]

Bundles of FCN-8s on MobileNetV2 with random weights score one drawn photo of 500x375
from its JPEG bytes to masks and ratings, in turn, on one thread.
"""

import argparse
import io
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from fcn_core import scoring
from fcn_core.export import draft_card
from fcn_core.export.bundle import export
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec

_SIZE = (500, 375)


def write_bundles(folder: Path) -> dict[str, list[str]]:
    """Exports the models; returns bundle folders by the way of scoring."""
    specs = {
        "segmentation": ModelSpec(name="fcn8s", backbone="mobilenet_v2"),
        "both": ModelSpec(name="fcn8s", backbone="mobilenet_v2", rating_classes=10),
        "ratings": ModelSpec(
            task="aesthetics", name="rating", backbone="mobilenet_v2", classes=10
        ),
    }
    for name, spec in specs.items():
        segments = spec.task == "segmentation"
        card = draft_card.draft_card(
            spec,
            name=name,
            classes=[str(number) for number in range(21)] if segments else None,
            padding_value=(127, 127, 127),
            max_side=None,
        ).model_copy(update={"version": "1"})
        export(build(spec), folder / name, card)
    ways = {
        "segmentation alone": ("segmentation",),
        "both in one pass": ("both",),
        "two models": ("segmentation", "ratings"),
    }
    return {way: [str(folder / name) for name in names] for way, names in ways.items()}


def measure(rounds: int) -> dict[str, float]:
    """Returns milliseconds per photo by the way of scoring: medians of the rounds."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize(_SIZE, Image.Resampling.BICUBIC).save(file, "JPEG")
    with tempfile.TemporaryDirectory() as folder:
        photos = {
            way: scoring.PhotoScorer(
                [scoring.load_scorer(bundle, "openvino", "f32") for bundle in bundles]
            )
            for way, bundles in write_bundles(Path(folder)).items()
        }
    seconds: dict[str, list[float]] = {way: [] for way in photos}
    for number in range(rounds + 1):
        for way, scorer in photos.items():  # turn by turn: a busy moment hits all
            start = time.perf_counter()
            scorer.score_photo(file.getvalue())
            if number:  # the first one compiles
                seconds[way].append(time.perf_counter() - start)
    return {way: 1e3 * statistics.median(values) for way, values in seconds.items()}


def main() -> None:
    """Prints a line per way of scoring."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=40)
    found = measure(parser.parse_args().rounds)
    alone = found["segmentation alone"]
    for way, milliseconds in found.items():
        print(f"{way:<20}{milliseconds:8.1f} ms {milliseconds / alone:6.2f}")


if __name__ == "__main__":
    main()
