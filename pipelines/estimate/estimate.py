"""`fcn estimate` as a whole: count, measure, price."""

import time
from collections.abc import Iterator
from typing import Final

from pipelines.chunks.frozen import Frozen
from pipelines.estimate import costs, measuring
from pipelines.estimate.config import EstimateConfig
from pipelines.estimate.costs import Way
from pipelines.estimate.counting import Count, count
from pipelines.estimate.measuring import Pace
from pipelines.estimate.prices import Prices, read_prices
from pipelines.faults import UsageError
from pipelines.score import lanes as score_lanes
from pipelines.score import nights
from pipelines.score.lanes import Device
from pipelines.score.plan import ScoreSettings

_CLOSING_SECONDS: Final = 4.0
"""Merging the table, the page, the end of the process; assumed."""


class Estimate(Frozen):
    """What a night would take.

    Attributes:
        arithmetic: Engine, precision and instructions that were measured.
        pace: What was measured; None where nothing is to be scored.
        ways: This machine first.
        measured: What in it was measured, a sentence each.
        assumed: What was not.
    """

    count: Count
    arithmetic: str
    pace: Pace | None
    ways: tuple[Way, ...]
    prices: Prices
    measured: tuple[str, ...]
    assumed: tuple[str, ...]


def estimate(config: EstimateConfig) -> Estimate:
    """Counts the photos of a night, measures some, and says what it would take.

    Raises:
        UsageError: The command cannot mean what it says; no photo could be scored.
        SystemicFault: The lanes do not start, or a model is at fault.
    """
    start = time.perf_counter()
    prices = read_prices(config.prices)
    models, settings, fingerprint = nights.resolve(config)
    found = count(config, fingerprint)
    listing_seconds = time.perf_counter() - start
    if not found.count.photos:
        return _nothing(found.count, prices, settings)
    lanes = score_lanes.lanes_for(
        models, settings, config.lanes, device=Device(config.device, config.gpu_batch)
    )
    pace = measuring.measure(
        measuring.draw(found, config.sample),
        lanes,
        root=found.root,
        source=settings.input,
    )
    if pace.failed == pace.photos:
        raise UsageError(
            f"--input {config.input}: got {pace.photos} photos none of which can be "
            "scored, expected some that can; fcn score --limit 10 says why"
        )
    other = listing_seconds + _launch_seconds() + _CLOSING_SECONDS
    return _priced(
        config, found.count, pace, prices=prices, settings=settings, other=other
    )


def _nothing(counted: Count, prices: Prices, settings: ScoreSettings) -> Estimate:
    return Estimate(
        count=counted,
        arithmetic=_text(settings),
        pace=None,
        ways=(),
        prices=prices,
        measured=("how many photos there are",),
        assumed=(),
    )


def _priced(
    config: EstimateConfig,
    counted: Count,
    pace: Pace,
    *,
    prices: Prices,
    settings: ScoreSettings,
    other: float,
) -> Estimate:
    """Returns the estimate of a night that has something to score."""
    requests = costs.requests_cost(config, counted, prices)
    here = costs.this_machine(
        counted,
        pace,
        prices,
        other_seconds=other,
        storage=requests if costs.is_on_store(config) else 0.0,
    )
    on_gpu = any(each.on_gpu for each in nights.arithmetics_of(settings))
    core_pace = None if on_gpu else pace.images_per_second / pace.lanes
    elsewhere = [
        costs.on_workers(
            machine, count=counted, core_pace=core_pace, prices=prices, config=config
        )
        for machine in prices.machines
    ]
    return Estimate(
        count=counted,
        arithmetic=_text(settings),
        pace=pace,
        ways=(here, *(way for way in elsewhere if way is not None)),
        prices=prices,
        measured=tuple(_measured(pace, other)),
        assumed=tuple(_assumed(prices, skipped=None in elsewhere)),
    )


def _text(settings: ScoreSettings) -> str:
    return f"{settings.engine} {settings.precision} {settings.instruction_set}"


def _measured(pace: Pace, other: float) -> Iterator[str]:
    yield (
        f"{pace.images_per_second:.1f} images/s: {pace.photos} of your photos, "
        f"{pace.passes} times, on {pace.lanes} lanes of this machine"
    )
    if pace.failed:
        yield f"{pace.failed} of them cannot be scored, which costs less than a score"
    start = other + pace.start_seconds
    yield (
        f"{start:.0f} s a night to list, to start and to end, of which "
        f"{_CLOSING_SECONDS:.0f} s for the end are assumed"
    )


def _assumed(prices: Prices, *, skipped: bool) -> Iterator[str]:
    yield f"a worker starts in {prices.start_minutes:g} minutes, which are paid for"
    for machine in prices.machines:
        if machine.images_per_second is not None:
            yield (
                f"{machine.machine_type} scores {machine.images_per_second:g} images/s"
            )
        elif not skipped:
            yield (
                f"a core of {machine.machine_type} is {machine.speed:g} times as fast "
                "as one here"
            )
    if skipped:
        yield ("nothing about workers without a GPU: measure with --engine openvino")
    yield "photos like the sample; places of workers on gs:// in their region"


def _launch_seconds() -> float:
    """Measures what loading Beam takes, which a night does once."""
    start = time.perf_counter()
    import pipelines.runners.launch  # noqa: F401 - only how long it takes

    return time.perf_counter() - start
