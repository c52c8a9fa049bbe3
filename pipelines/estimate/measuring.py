"""Measures how fast this machine scores a sample of the photos, in its real lanes.

The sample passes several times: the first time lanes start and networks are prepared
for their shapes, afterwards the pace is steady. Reading, deciding, decoding, networks
and masks are a night's own; only writing is left out.
"""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from fcn_core.bad_image import BadImage
from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.frozen import Frozen
from pipelines.estimate.counting import Found
from pipelines.lanes import stream
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.settings import LaneSettings
from pipelines.score import inputs

_SEED: Final = 20261120
_STEADY_SECONDS: Final = 8.0
_MOST_PASSES: Final = 100

Item = Mapping[str, Any]
"""A row of LISTING_SCHEMA."""


class Pace(Frozen):
    """How fast this machine scores.

    Attributes:
        photos: Size of the sample.
        failed: Photos of it that cannot be scored.
        passes: How often it passed.
        lanes: Processes that scored it.
        start_seconds: What the first pass took longer than the others.
        images_per_second: Of the other passes.
    """

    photos: int
    failed: int
    passes: int
    lanes: int
    start_seconds: float
    images_per_second: float


def draw(found: Found, size: int) -> list[Item]:
    """Returns a sample of the photos, the same for the same photos, in any order.

    Args:
        found: The photos.
        size: Of the sample; all of them, where they are fewer.
    """
    total = found.items.num_rows
    rng = np.random.default_rng(_SEED)
    rows = np.sort(rng.choice(total, size=min(size, total), replace=False))
    sample, first = list[Item](), 0
    for table in found.items.tables():
        inside = rows[(rows >= first) & (rows < first + table.num_rows)] - first
        sample += table.take(inside).to_pylist()
        first += table.num_rows
    # Neighbours by name are often alike; a night meets them mixed by its lanes.
    return [sample[number] for number in rng.permutation(len(sample))]


def measure(
    sample: Sequence[Item],
    lanes: LaneSettings,
    *,
    root: str | None,
    source: str,
) -> Pace:
    """Scores a sample until the pace is steady and known.

    Args:
        sample: Photos.
        lanes: The pool that scores.
        root: The listed folder, out of which no link may lead.
        source: The input, whose store decides how it is read.

    Raises:
        SystemicFault: The lanes do not start, or a model is at fault.
    """
    passes = _Passes(sample, root)
    reading = stream.Reading(threads=files.parallel_reads(source))
    start = time.perf_counter()
    with Attempt() as attempt:
        counts = sum(
            stream.process(
                passes.numbers(),
                passes.open,
                attempt=attempt,
                lanes=lanes,
                reading=reading,
            ),
            Counts(),
        )
    return _pace(passes, counts, start=start, lanes=lanes.count)


def _pace(passes: "_Passes", counts: Counts, *, start: float, lanes: int) -> Pace:
    """Returns what the moments of the answers add up to."""
    size = len(passes.sample)
    moments = np.array(passes.moments) - start
    # At the end some lanes have nothing left to do.
    steady = moments[size - 1 : max(len(moments) - lanes, size + 1)]
    pace = (len(steady) - 1) / max(float(steady[-1] - steady[0]), 1e-9)
    return Pace(
        photos=size,
        failed=round(counts.failed * size / max(len(moments), 1)),
        passes=len(moments) // size,
        lanes=lanes,
        start_seconds=round(max(float(steady[0]) - size / pace, 0.0), 2),
        images_per_second=round(pace, 3),
    )


class _Passes:
    """The sample again and again, as chunks; remembers when each answer came."""

    def __init__(self, sample: Sequence[Item], root: str | None):
        self.sample, self.root = sample, root
        self.moments: list[float] = []

    def numbers(self) -> Iterator[int]:
        """Yields numbers of passes until the pace is known."""
        for number in itertools.count():
            if number >= 2 and (number >= _MOST_PASSES or self._is_known()):
                return
            yield number

    def _is_known(self) -> bool:
        size = len(self.sample)
        if len(self.moments) < 2 * size:
            return False
        return self.moments[-1] - self.moments[size - 1] >= _STEADY_SECONDS

    def open(self, number: int) -> "_Pass":
        return _Pass(self)


class _Pass:
    """One pass; see `stream.OpenChunk`."""

    def __init__(self, passes: _Passes):
        self._passes, self._counts = passes, Counts()

    @property
    def size(self) -> int:
        return len(self._passes.sample)

    def request(self, index: int) -> Request | Answer:
        item = self._passes.sample[index]
        try:
            photo = inputs.read(item, root=self._passes.root)
        except BadImage as bad:
            return Answer(bad=bad)
        return Request({}, [photo], name=item["image_uri"])

    def take(self, index: int, answer: Answer) -> bool:
        self._passes.moments.append(time.perf_counter())
        is_ok = answer.bad is None
        self._counts += Counts(ok=is_ok, failed=not is_ok, computed=1)
        return is_ok

    def commit(self) -> Counts:
        return self._counts
