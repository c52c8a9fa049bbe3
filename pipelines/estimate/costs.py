"""From a count and a pace to hours and money, for this machine and for workers."""

from typing import Final

from pipelines import files
from pipelines.chunks.frozen import Frozen
from pipelines.estimate.config import EstimateConfig
from pipelines.estimate.counting import Count
from pipelines.estimate.measuring import Pace
from pipelines.estimate.prices import Machine, Prices

_LISTED_TOGETHER: Final = 1000
"""Objects that a store lists in one request."""

_WRITES_A_CHUNK: Final = 2
"""A tar of masks, and the part."""

_READS_A_CHUNK: Final = 4
"""Whether it is there, its items, and the part twice: to count and to publish it."""

_OTHER_REQUESTS: Final = 50
"""Plan, commit, table, page."""


class Way(Frozen):
    """A way to score the night.

    Attributes:
        name: Of the machines.
        workers: How many are used; no more than there are chunks.
        images_per_second: Of all of them.
        hours: From start to end.
        compute: Money for machines.
        storage: Money for requests to the store.
    """

    name: str
    workers: int
    images_per_second: float
    hours: float
    compute: float
    storage: float

    @property
    def total(self) -> float:
        """All of the money."""
        return self.compute + self.storage


def this_machine(
    count: Count, pace: Pace, prices: Prices, *, other_seconds: float, storage: float
) -> Way:
    """Returns what the night takes here.

    Args:
        count: The photos.
        pace: What was measured.
        prices: The price list.
        other_seconds: What a night takes besides scoring.
        storage: Money for requests to the store.
    """
    seconds = other_seconds + pace.start_seconds
    seconds += count.photos / pace.images_per_second
    hours = seconds / 3600 if count.photos else 0.0
    return Way(
        name="this machine",
        workers=1,
        images_per_second=pace.images_per_second,
        hours=hours,
        compute=hours * prices.local_hour,
        storage=storage if count.photos else 0.0,
    )


def on_workers(
    machine: Machine,
    *,
    count: Count,
    core_pace: float | None,
    prices: Prices,
    config: EstimateConfig,
) -> Way | None:
    """Returns what the night takes on workers of a kind; None: nobody can say.

    Args:
        machine: The kind.
        count: The photos.
        core_pace: Images per second of a core here; None where a GPU was measured.
        prices: The price list.
        config: How many workers, and how masks are stored.
    """
    if machine.images_per_second is not None:
        pace = machine.images_per_second
    elif core_pace is None or machine.speed is None:
        return None
    else:
        pace = core_pace * machine.vcpus * machine.speed
    workers = max(min(config.workers, count.chunks), 1)
    hours = prices.start_minutes / 60 + count.photos / (pace * workers) / 3600
    if not count.photos:
        workers, hours = 0, 0.0
    name = f"Dataflow, {machine.machine_type}"
    return Way(
        name=f"{name} with {machine.gpu}" if machine.gpu else name,
        workers=workers,
        images_per_second=pace * workers,
        hours=hours,
        compute=workers * hours * prices.worker_hour(machine),
        storage=requests_cost(config, count, prices),
    )


def requests_cost(config: EstimateConfig, count: Count, prices: Prices) -> float:
    """Returns the money for the requests of a night whose places are on a store."""
    if not count.photos:
        return 0.0
    masks = count.photos if config.masks == "png" else 0
    writes = _WRITES_A_CHUNK * count.chunks + masks
    writes += -(-count.listed // _LISTED_TOGETHER) + _OTHER_REQUESTS
    reads = count.photos + _READS_A_CHUNK * count.chunks + _OTHER_REQUESTS
    storage = prices.storage
    return (
        writes * storage.per_million_writes + reads * storage.per_million_reads
    ) / 1e6


def is_on_store(config: EstimateConfig) -> bool:
    """Returns whether the night's places charge for requests."""
    places = (config.input, config.output)
    return any(
        files.prefers_few_files(files.to_uri(place)) for place in places if place
    )
