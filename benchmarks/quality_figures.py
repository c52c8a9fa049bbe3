"""How a rating bundle rates photos that are degraded on purpose.

    python -m benchmarks.quality_figures --data data/voc [--split val] [--model quality]

Rates every photo of the split, and its degraded copies, through the code that scores.
Prints the figures of `evaluation.quality.evaluate_quality` as JSON, with the seconds.
"""

import argparse
import json
import time
from pathlib import Path

from fcn_core.evaluation import quality
from fcn_core.records.source import Source
from fcn_core.scoring import scorers


def main() -> None:
    """Parses the command line and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", default="quality", help="a name or a bundle folder")
    asked = parser.parse_args()
    scorer = scorers.load_scorer(asked.model, precision="f32")
    if not isinstance(scorer, scorers.LogitsScorer) or not scorer.card.rating_bins:
        parser.error(f"--model: got {asked.model}, expected a bundle that rates photos")
    source = Source(folder=asked.data, split=asked.split)
    start = time.perf_counter()
    figures = quality.evaluate_quality(scorer, source.records(), seed=0)
    seconds = {"seconds": round(time.perf_counter() - start)}
    rounded = {name: round(value, 4) for name, value in figures.items()}
    print(json.dumps(rounded | seconds, indent=1))


if __name__ == "__main__":
    main()
