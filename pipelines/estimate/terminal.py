"""What the user reads at the end of `fcn estimate`."""

from collections.abc import Iterator

from pipelines.estimate.costs import Way
from pipelines.estimate.estimate import Estimate

HEADS = ("way", "workers", "images/s", "time", "machines", "requests", "total")


def opening_lines(estimate: Estimate) -> Iterator[str]:
    """Yields what was counted and measured."""
    count = estimate.count
    more = [f"{count.skipped:,} known"] if count.skipped else []
    more += [f"{count.waiting:,} would wait"] if count.waiting else []
    others = f" ({', '.join(more)})" if more else ""
    goes_on = ", a night that goes on" if count.resumes else ""
    yield f"{count.photos:,} photos to score of {count.listed:,}{others}{goes_on}"
    if count.needs_rescore is not None:
        yield f"fcn score would refuse: {count.needs_rescore}"
    if estimate.pace is not None:
        yield f"{estimate.arithmetic}"


def row(way: Way, *, currency: str) -> tuple[str, ...]:
    """Returns a way for people, below `HEADS`."""
    money = (way.compute, way.storage, way.total)
    return (
        way.name,
        str(way.workers),
        f"{way.images_per_second:,.1f}",
        duration(way.hours),
        *(f"{currency}{amount:,.2f}" for amount in money),
    )


def duration(hours: float) -> str:
    """Returns a time in hours, or in minutes where it is short."""
    if hours < 1:
        return f"{hours * 60:.1f} min"
    return f"{hours:,.1f} h"


def closing_lines(estimate: Estimate) -> Iterator[str]:
    """Yields what was measured, what was assumed, and whose prices these are."""
    for text in estimate.measured:
        yield f"measured  {text}"
    for text in estimate.assumed:
        yield f"assumed   {text}"
    prices = estimate.prices
    yield (
        f"prices    of {prices.as_of}, {prices.region}: {prices.source}; "
        "--prices FILE for yours"
    )
