"""Figures as one plain table, and as JSON."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.gpu.lanes import LaneTimes
from benchmarks.gpu.networks import NETWORKS
from benchmarks.gpu.rates import Rate
from fcn_core.whole_files import whole_file

_HEADINGS = (
    *("network", "photo", "precision", "batch", "output"),
    *("images/s", "on device", "first s", "lanes"),
)


@dataclass
class Report:
    """What was measured.

    Attributes:
        device: Its name.
        library: What computed there, with its version.
        autotuned: Whether XLA tried out ways to compute.
        cores: Of the host.
        rates: One for each cell.
        lanes: CPU times a photo, by the size of photos as `384x512`.
        end_to_end: Photos to masks against the device alone; None: not measured.
        is_trial: Whether the processor stood in for a device.
    """

    device: str
    library: str
    autotuned: bool
    cores: int
    rates: list[Rate] = field(default_factory=list)
    lanes: dict[str, LaneTimes] = field(default_factory=dict)
    end_to_end: Mapping[str, Any] | None = None
    is_trial: bool = False

    def as_json(self) -> dict[str, Any]:
        """Returns plain values; a rate and its cell are one object."""
        rates = []
        for rate in self.rates:
            values = asdict(rate)
            flat = {**values.pop("cell"), **values}
            rates.append(flat | {"lanes_needed": self._needed(rate)})
        rest = {name: value for name, value in asdict(self).items() if name != "rates"}
        return rest | {"rates": rates}

    def write(self, path: Path) -> None:
        """Writes the JSON as a whole file."""
        text = json.dumps(self.as_json(), indent=1) + "\n"
        with whole_file(path) as new:
            new.write_text(text, encoding="utf-8")

    def lines(self) -> Iterator[str]:
        """Yields the table, and what is to be known of it."""
        how = "autotuned" if self.autotuned else "as a night computes, not autotuned"
        yield f"{self.device}, {self.library}, {how}; {self.cores} cores"
        yield from _aligned([_HEADINGS, *map(self._row, self.rates)])
        yield from self._maps()
        for size, times in self.lanes.items():
            yield (
                f"a core of this host, {size}: decode {times.decode:.2f} ms, class map "
                f"{times.class_map:.2f} ms, PNG {times.png:.2f} ms a photo "
                f"({times.photos} photos, {times.used}; drawn logits, "
                f"{times.border_share:.0%} of the cells at a border)"
            )
        if self.end_to_end is not None:
            yield _sentence(self.end_to_end)

    def _maps(self) -> Iterator[str]:
        """Yields whether the device should make class maps, where that was measured."""
        best = defaultdict[tuple[str, ...], dict[str, float]](dict)
        for rate in self.rates:
            cell, found = rate.cell, rate.images_per_second or 0.0
            kind = best[cell.network, f"{cell.height}x{cell.width}", cell.precision]
            kind[cell.output] = max(found, kind.get(cell.output, 0.0))
        compared = {
            key: kind
            for key, kind in best.items()
            if "maps" in kind and kind.get("logits")
        }
        if compared and self.is_trial:
            yield (
                "class maps of the device: a processor stands in for one here, which "
                "says nothing of where a GPU's are made faster; measure on the GPU"
            )
            return
        for key, rates in compared.items():
            ratio = rates["maps"] / rates["logits"]
            yield (
                f"{' '.join(key)}: {ratio:.2f} times as fast where the device makes "
                "class maps, which lanes then need not make"
            )

    def _row(self, rate: Rate) -> Sequence[str]:
        cell = rate.cell
        first = (cell.network, f"{cell.height}x{cell.width}", cell.precision)
        start = (*first, str(cell.batch), cell.output)
        if rate.images_per_second is None:
            return (*start, rate.note)
        needed = self._needed(rate)
        return (
            *start,
            f"{rate.images_per_second:.4g}",
            f"{rate.on_device:.4g}",
            f"{rate.first_seconds:.1f}",
            "" if needed is None else str(needed),
        )

    def _needed(self, rate: Rate) -> int | None:
        """Returns how many lanes feed a device of this rate, where that is known."""
        times = self.lanes.get(f"{rate.cell.height}x{rate.cell.width}")
        if times is None or rate.images_per_second is None:
            return None
        masks = NETWORKS[rate.cell.network].task == "segmentation"
        return times.needed(rate.images_per_second, masks=masks)


def _aligned(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yields rows as lines: columns of words at the left, of numbers at the right."""
    rows = [*rows]
    full = [row for row in rows if len(row) == len(_HEADINGS)]
    widths = [max(len(row[at]) for row in rows) for at in range(5)]
    widths += [max(len(row[at]) for row in full) for at in range(5, len(_HEADINGS))]
    for row in rows:
        cells = [
            text.ljust(width)
            if at in (0, 1, 2, 4) or (len(row) == 6 and at == 5)
            else text.rjust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=False))
        ]
        yield "  ".join(cells).rstrip()


def _sentence(figures: Mapping[str, Any]) -> str:
    if figures["note"]:
        return f"end to end: {figures['note']}"
    lanes = f"{figures['lanes']} lane{'' if figures['lanes'] == 1 else 's'}"
    return (
        f"end to end, {figures['network']} {figures['precision']} in batches of "
        f"{figures['batch']}: {figures['images_per_second']:.4g} images/s with "
        f"{lanes} ({figures['photos']} {figures['kind']} photos), "
        f"{figures['share']:.0%} of the device alone ({figures['alone']:.4g})"
    )
