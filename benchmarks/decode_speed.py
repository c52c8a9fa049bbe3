"""What the look for damage costs of decoding, in `fcn score` and in `fcn convert`.

    python -m benchmarks.decode_speed --photos DIR [--rounds 15] [--max_side 512]

Decodes every photo with the look and without, in turn and each first every other time,
and takes CPU time. Both jobs are compared with the strict decoder alone: of all pixels
at a working size for `score`, of an eighth for `convert`, which needs no pixels.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from fcn_core import images

Job = Callable[[bytes], object]
ROUNDS: Final = 15
WORKING_SIDE: Final = 512


def jobs(max_side: int) -> dict[str, tuple[Job, Job]]:
    """Returns by name a job as it is, and without the look."""

    def looked_at(data: bytes) -> object:
        return images.decode(data, max_side=max_side, is_foreign=True)

    def scored(data: bytes) -> object:
        return images.decode(data, max_side=max_side)

    def eighth(data: bytes) -> object:
        return images.decode(data, max_side=1)

    return {"score": (looked_at, scored), "convert": (images.check, eighth)}


def milliseconds(work: Job, data: bytes) -> float:
    """Returns the CPU time that a job takes for a photo."""
    start = time.process_time_ns()
    work(data)
    return (time.process_time_ns() - start) / 1e6


def compare(
    photos: Sequence[bytes], ways: tuple[Job, Job], *, rounds: int
) -> tuple[float, float]:
    """Returns mean milliseconds a photo with and without the look.

    Of each photo the median of the rounds counts, so that a busy moment does not.
    """
    totals = [0.0, 0.0]
    for data in photos:
        times: tuple[list[float], list[float]] = ([], [])
        for number in range(rounds + 1):
            for way in (0, 1) if number % 2 else (1, 0):
                times[way].append(milliseconds(ways[way], data))
        for way in (0, 1):
            totals[way] += statistics.median(times[way][1:])
    return totals[0] / len(photos), totals[1] / len(photos)


def measure(
    photos: Sequence[bytes], *, rounds: int = ROUNDS, max_side: int = WORKING_SIDE
) -> dict[str, dict[str, float]]:
    """Returns for each job milliseconds a photo and the ratio of speeds."""
    found = {}
    for name, ways in jobs(max_side).items():
        ours, bare = compare(photos, ways, rounds=rounds)
        found[name] = {
            "milliseconds": round(ours, 4),
            "without_the_look": round(bare, 4),
            "ratio": round(bare / ours, 4),
        }
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--max_side", type=int, default=WORKING_SIDE)
    asked = parser.parse_args(words)
    photos = [path.read_bytes() for path in sorted(asked.photos.glob("*.jpg"))]
    found = measure(photos, rounds=asked.rounds, max_side=asked.max_side)
    print(json.dumps({"photos": len(photos), **found}, indent=1))


if __name__ == "__main__":
    main()
