"""How fast lanes feed a device: photos decoded, canned logits, masks encoded.

    python -m benchmarks.gpu_lanes --photos VOC2012/JPEGImages --count 1000

A device that costs nothing takes the pixels of each batch and gives back logits that
it knows already, of the right size and with borders as real ones have. What is left is
what the lanes must do (decode, fit, class map, PNG), measured in one process in turn
with the lanes, and what it costs to share a device: messages, slots, waiting. Printed
as JSON, medians of `--rounds`:

- `needed_ms`: CPU time a photo of what lanes must do.
- `spent_ms`: CPU time a photo of all processes, those of worker and device included:
  also what copies pixels into batches and logits back, as a GPU's driver would.
- `images_per_second` by the clock, and `ideal`: `lanes` / `needed_ms`. On a machine
  that does other work as well, only CPU times tell much.
- `share`: of the ideal, by the clock, and `cpu_share`: `needed_ms` / `spent_ms`.
"""

import argparse
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fcn_core.bundles.card import ModelCard
from fcn_core.bundles.find import find_bundle
from fcn_core.geometry import Size
from fcn_core.scoring.arithmetic import resolve_arithmetic
from fcn_core.scoring.device import DeviceNetwork, open_network, write_row
from fcn_core.scoring.engines import Engine, open_engine
from fcn_core.scoring.stages import PhotoStages, array_at
from pipelines.lanes.gpu.arena import Arena
from pipelines.lanes.gpu.networks import Networks
from pipelines.lanes.gpu.pool import DevicePool
from pipelines.lanes.gpu.settings import DeviceSettings
from pipelines.lanes.messages import Header, Request
from pipelines.lanes.settings import LaneSettings

_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")


class Canned:
    """An engine that computes the first row of each size, and repeats it ever after.

    Args:
        engine: Computes it.
    """

    has_logits = True

    def __init__(self, engine: Engine):
        self._engine = engine
        self._known = dict[tuple[int, ...], list[NDArray[Any]]]()

    def logits(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """See `Engine.logits`."""
        return self._outputs(images, lambda one: [self._engine.logits(one)])[0]

    def both_logits(
        self, images: NDArray[np.uint8]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """See `Engine.both_logits`."""
        classes, ratings = self._outputs(images, self._engine.both_logits)
        return classes, ratings

    def _outputs(
        self,
        images: NDArray[np.uint8],
        compute: Callable[[NDArray[np.uint8]], Sequence[NDArray[Any]]],
    ) -> list[NDArray[Any]]:
        count, *shape = images.shape
        if tuple(shape) not in self._known:
            self._known[tuple(shape)] = [np.copy(a) for a in compute(images[:1])]
        known = self._known[tuple(shape)]
        return [np.broadcast_to(found, (count, *found.shape[1:])) for found in known]


class CannedNetworks(Networks):
    """A device's lane whose models cost nothing; the rest is as it always is."""

    def __init__(self, config: Header):
        arithmetic = resolve_arithmetic("openvino", "f32")
        bundles = [find_bundle(model["name"]) for model in config["models"]]
        self.networks = [
            DeviceNetwork(
                ModelCard.read(bundle),
                Canned(open_engine(bundle, arithmetic)),
                arithmetic,
            )
            for bundle in bundles
        ]
        self.memory = Arena(**config["arena"]).map()


def _logits(network: DeviceNetwork, pixels: NDArray[np.uint8]) -> list[NDArray[Any]]:
    padded = Size(*pixels.shape[:2])
    (found,) = network.compute([pixels], padded=padded, size=1)
    return found


def settings(models: Sequence[str], lanes: int) -> LaneSettings:
    """Returns the lanes of a night with these models."""
    cards = [ModelCard.read(find_bundle(name)) for name in models]
    arithmetic = resolve_arithmetic("openvino", "f32")
    config = {
        "models": [
            {"name": name, "fingerprint": card.fingerprint}
            for name, card in zip(models, cards, strict=True)
        ],
        **vars(arithmetic),
        "max_side": None,
        "masks": True,
    }
    task = "pipelines.score.lane:PhotosAroundDevice"
    return LaneSettings(task=task, config=config, lanes=lanes)


def needed_seconds(photos: Sequence[bytes], models: Sequence[str]) -> float:
    """Returns the CPU time a photo of what lanes must do, in this process alone."""
    arithmetic = resolve_arithmetic("openvino", "f32")
    networks = [open_network(name, arithmetic) for name in models]
    cards = [network.card for network in networks]
    stages = PhotoStages(cards, arithmetics=[arithmetic] * len(cards))
    block, known = bytearray(stages.block_bytes), dict[tuple[int, ...], Any]()
    spent = 0.0
    for data in photos:
        start = time.process_time()
        prepared = stages.prepare(data, block)
        spent += time.process_time() - start
        for row in stages.rows(prepared):
            shape = (*row.padded, 3)
            if (row.model, *shape) not in known:
                pixels = array_at(block, row.pixels, shape, dtype=np.uint8)
                known[row.model, *shape] = _logits(networks[row.model], pixels)
            write_row(known[row.model, *shape], block, places=row.logits)
        start = time.process_time()
        stages.finish(prepared, block)
        spent += time.process_time() - start
    return spent / len(photos)


@contextmanager
def fed_device(
    models: Sequence[str], *, lanes: int, batch: int
) -> Iterator[DevicePool]:
    """Yields lanes around the free device."""
    stages = PhotoStages(
        [ModelCard.read(find_bundle(name)) for name in models],
        arithmetics=[resolve_arithmetic("openvino", "f32")] * len(models),
    )
    device = DeviceSettings(
        task="benchmarks.gpu_lanes:CannedNetworks",
        slot_bytes=stages.block_bytes,
        names=("cpu",),
        batch=batch,
    )
    pool = DevicePool(settings(models, lanes), device)
    try:
        yield pool
    finally:
        pool.close()


def spent_seconds(pool: DevicePool, photos: Sequence[bytes]) -> tuple[float, float]:
    """Returns wall and CPU seconds a photo of all processes."""
    wall, cpu = time.perf_counter(), _cpu_seconds()
    _pass(pool, photos)
    wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
    return wall / len(photos), cpu / len(photos)


def _pass(pool: DevicePool, photos: Sequence[bytes]) -> None:
    asked = (Request({}, [data]) for data in photos)
    answered = [answer for _, answer in pool.answer(enumerate(asked))]
    bad = [answer.bad for answer in answered if answer.bad is not None]
    if bad or len(answered) != len(photos):
        raise SystemExit(f"--photos: got {bad[:1]}, expected only good ones")


def _cpu_seconds() -> float:
    """Returns the CPU time of this process and of its children, up to now."""
    return sum(map(_ticks, [os.getpid(), *_children()])) * _TICK


def _children() -> Iterator[int]:
    for path in Path("/proc/self/task").glob("*/children"):
        yield from map(int, path.read_text().split())


def _ticks(pid: int) -> int:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


def parser() -> argparse.ArgumentParser:
    """Returns what the command understands."""
    made = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    made.add_argument("--photos", type=Path, required=True)
    made.add_argument("--count", type=int, default=1000)
    made.add_argument("--lanes", type=int, default=2)
    made.add_argument("--batch", type=int, default=8)
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--model", nargs="+", default=["voc21"])
    return made


def main() -> None:
    """Measures and prints one JSON object."""
    asked = parser().parse_args()
    files = itertools.islice(
        itertools.cycle(sorted(asked.photos.glob("*.jpg"))), asked.count
    )
    photos = [path.read_bytes() for path in files]
    pairs = list[tuple[float, float, float]]()
    with fed_device(asked.model, lanes=asked.lanes, batch=asked.batch) as pool:
        _pass(pool, photos)  # every size has its logits, every library is loaded
        for _ in range(asked.rounds):
            needed = needed_seconds(photos, asked.model)
            pairs.append((needed, *spent_seconds(pool, photos)))
    figures = {
        "needed_ms": median(needed * 1e3 for needed, _, _ in pairs),
        "spent_ms": median(cpu * 1e3 for _, _, cpu in pairs),
        "images_per_second": median(1 / wall for _, wall, _ in pairs),
        "ideal": median(asked.lanes / needed for needed, _, _ in pairs),
        "share": median(needed / asked.lanes / wall for needed, wall, _ in pairs),
        "cpu_share": median(needed / cpu for needed, _, cpu in pairs),
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
