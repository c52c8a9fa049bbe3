"""What a photo of a default night costs, part by part, in CPU time.

    python -m benchmarks.night_parts --photos DIR [--count 300] [--rounds 2]
        [--model voc21 aesthetics quality]

Scores photos on one thread as a lane does, each photo with every model in every
precision in turn, so that a busy moment hits all. Models may be bundles, to compare
two versions. Prints milliseconds of CPU time, all threads of the process counted:
medians over the photos of the least of the rounds.
"""

import argparse
import hashlib
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcn_core import images
from fcn_core.bad_image import BadImage
from fcn_core.bundles.card import ModelCard
from fcn_core.bundles.find import card_of, find_bundle
from fcn_core.scoring import engines, scorers
from fcn_core.scoring.arithmetic import resolve_arithmetic
from fcn_core.scoring.feed import Fed, Feed, feed_of, prepare
from fcn_core.scoring.photo import PhotoScore, with_outputs

Times = dict[str, float]
"""Part -> milliseconds of CPU time."""


@dataclass(frozen=True)
class Form:
    """A model in one precision."""

    precision: str
    card: ModelCard
    engine: engines.Engine


class _Clock:
    """Notes the CPU time of parts; of a part that is done again, the last."""

    def __init__(self) -> None:
        self.times: Times = {}

    def run(self, part: str, work: Callable[..., Any], *given: Any) -> Any:
        """Returns what `work` returns."""
        start = time.process_time_ns()
        found = work(*given)
        self.times[part] = (time.process_time_ns() - start) / 1e6
        return found


def open_forms(names: Sequence[str]) -> list[Form]:
    """Opens each model in f32 and, where its bundle has that, in int8."""
    forms = []
    for name in names:
        card = card_of(name)
        for precision in ("f32", "int8") if card.int8 else ("f32",):
            arithmetic = resolve_arithmetic("openvino", precision)
            engine = engines.open_engine(find_bundle(name), arithmetic)
            forms.append(Form(precision, card, engine))
    return forms


def time_photo(data: bytes, forms: Sequence[Form]) -> Times:
    """Returns what each part of scoring a photo takes.

    Raises:
        BadImage: The photo cannot be scored.
    """
    clock, fed = _Clock(), dict[Feed, Fed]()
    clock.run("sha256", lambda: hashlib.sha256(data).hexdigest())
    decoded: images.DecodedImage | None = None
    for form in forms:
        feed, label = feed_of(form.card), form.card.label
        if decoded is None or not images.is_decoded_for(decoded, feed.max_side):
            decoded = clock.run("decode", _decode, data, feed.max_side)
        if feed not in fed:
            fed[feed] = clock.run(f"{label}: fit", prepare, decoded, feed)
        computed = clock.run(
            f"{label}: network {form.precision}", _infer, form, fed[feed]
        )
        finish = "mask" if form.card.task == "segmentation" else "rating"
        clock.run(f"{label}: {finish}", _finish, form.card, fed[feed], computed)
    return clock.times


def _decode(data: bytes, max_side: int | None) -> images.DecodedImage:
    return images.decode(data, max_side=max_side, is_foreign=True)


def _infer(form: Form, fed: Fed) -> Any:
    return scorers.run_network(form.engine, fed.batch, form.card)


def _finish(card: ModelCard, fed: Fed, computed: Any) -> PhotoScore:
    outputs = scorers.outputs_of(computed, fed.sizes, card, padded=fed.batch.shape[1:3])
    score = PhotoScore("", 0, 0)
    return with_outputs(score, outputs, card, placement=fed.placement, masks=True)


def measure(photos: Sequence[bytes], names: Sequence[str], *, rounds: int) -> Times:
    """Returns the median of each part over photos, each the least of its rounds.

    Compiling a network for a photo's shape falls into the first round, which is left
    out.
    """
    forms = open_forms(names)
    found: dict[str, list[float]] = defaultdict(list)
    for data in photos:
        try:
            seen = [time_photo(data, forms) for _ in range(rounds + 1)][1:]
        except BadImage:
            continue
        for part in seen[0]:
            found[part].append(min(times[part] for times in seen))
    return {part: statistics.median(values) for part, values in found.items()}


def main() -> None:
    """Prints a line a part."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--model", nargs="+", default=["voc21", "aesthetics", "quality"]
    )
    asked = parser.parse_args()
    paths = sorted(asked.photos.glob("*.jpg"))[: asked.count]
    photos = [path.read_bytes() for path in paths]
    for part, milliseconds in measure(photos, asked.model, rounds=asked.rounds).items():
        print(f"{part:<32}{milliseconds:8.2f} ms")


if __name__ == "__main__":
    main()
