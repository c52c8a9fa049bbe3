"""Masks for less: mIoU against CPU milliseconds a photo, by working size.

    python -m benchmarks.size_curve --data data/voc [--split val] [--model voc21 OLD]
        [--max_side 320 384 448 512 640]

Scores every photo of a split at each working size, from its JPEG bytes to the mask and
its comparison with the label, by OpenVINO in float32 on one thread, model after model,
so that neighbouring lines are comparable. Prints a Markdown table. CPU time is that of
this process: a busy machine changes it less than seconds, but a quiet one is better.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fcn_core import scoring
from fcn_core.evaluation.photo import segment
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.records.source import Source
from fcn_core.scoring import scorers

SIZES = (320, 384, 448, 512, 640)


@dataclass(frozen=True)
class Point:
    """A line of the table."""

    model: str
    max_side: int
    miou: float
    milliseconds: float

    def row(self) -> str:
        """Returns it as a line of Markdown."""
        cells = (self.model, str(self.max_side), f"{100 * self.miou:.1f}")
        return f"| {' | '.join(cells)} | {self.milliseconds:.0f} |"


def measure(model: str, source: Source, *, max_side: int) -> Point:
    """Scores a split at a working size; compiling for a shape is not timed."""
    scorer = scorers.load_scorer(model, "openvino", "f32")
    photos = scoring.PhotoScorer([scorer], max_side=max_side)
    total = ConfusionMatrix.zero(scorer.card.num_classes)
    class_ids, seconds, shapes = range(scorer.card.num_classes), [], set()
    for record in source.records():
        shape = (record.height, record.width)
        if shape not in shapes:
            shapes.add(shape)
            photos.score_photo(record.encoded)
        start = time.process_time()
        segmented = segment(photos, record, class_ids=class_ids)
        seconds.append(time.process_time() - start)
        total += segmented.confusion
    milliseconds = 1000 * sum(seconds) / len(seconds)
    return Point(scorer.card.label, max_side, total.result().miou, milliseconds)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", nargs="+", default=["voc21"])
    parser.add_argument("--max_side", nargs="+", type=int, default=SIZES)
    asked = parser.parse_args(arguments)
    source = Source(folder=asked.data, split=asked.split)
    print("| model | max_side | mIoU | CPU ms a photo |")
    print("|---|---|---|---|", flush=True)
    for max_side in asked.max_side:
        for model in asked.model:
            point = measure(model, source, max_side=max_side)
            print(point.row(), flush=True)


if __name__ == "__main__":
    main()
