"""How many photos a night would take, found as it finds them; writes nothing."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines import files
from pipelines.chunks.frozen import Frozen
from pipelines.estimate.config import EstimateConfig
from pipelines.faults import UsageError
from pipelines.score import inputs, known, pending, sequence, states
from pipelines.score.photos import Chosen
from pipelines.score.plan import Plan

_NO_OUTPUT: Final = "/dev/null"
"""Nothing of the input lies in it."""


class Count(Frozen):
    """How many photos there are, and how many of them a night would take.

    Attributes:
        listed: Photos of the input.
        photos: Those that the night would score.
        skipped: Those that earlier nights hold.
        waiting: Those that would wait for another night.
        chunks: Chunks of the night.
        resumes: Whether the night is planned already and would go on.
        needs_rescore: Why the night would be refused without `--rescore`.
    """

    listed: int
    photos: int
    skipped: int
    waiting: int
    chunks: int
    resumes: bool = False
    needs_rescore: str | None = None


@dataclass(frozen=True)
class Found:
    """What was counted, and the photos themselves.

    Attributes:
        items: Photos from which to take the sample.
        root: The listed folder, out of which no link may lead.
    """

    count: Count
    items: Chosen
    root: str | None


def count(config: EstimateConfig, fingerprint: str) -> Found:
    """Lists the input, and leaves out what the output knows under a fingerprint.

    Raises:
        UsageError: There is no photo, or the output is none.
    """
    out = files.to_uri(config.output) if config.output else ""
    listing = inputs.list_photos(
        config.input, output=out or _NO_OUTPUT, exclude=config.exclude
    )
    earlier = sequence.read_all(out) if out else []
    found = pending.find_pending(
        out,
        listing.photos,
        earlier=earlier,
        fingerprint=fingerprint,
        limit=config.limit,
        noted=known.noted(out, fingerprint) if _by_content(config) else (),
    )
    open_photos = _left_open(config, earlier)
    if open_photos is None:
        photos, waiting, items = found.items.num_rows, found.waiting, found.items
    else:  # the night goes on as it was planned; what is new waits
        photos, waiting = open_photos, found.waiting + found.items.num_rows
        items = Chosen(listing.photos, np.ones(listing.photos.num_rows, np.bool_))
    counted = Count(
        listed=listing.photos.num_rows,
        photos=photos,
        skipped=found.skipped,
        waiting=waiting,
        chunks=-(-photos // config.chunk_size),
        resumes=open_photos is not None,
        needs_rescore=_refusal(config, found, earlier, fingerprint=fingerprint),
    )
    return Found(counted, items, listing.root)


def _by_content(config: EstimateConfig) -> bool:
    return bool(config.output) and config.known_by == "content"


def _left_open(config: EstimateConfig, earlier: list[Plan]) -> int | None:
    """Returns how many photos an open plan of the night still lacks, if it has one."""
    if sequence.find(earlier, config.night) is None:
        return None
    (state,) = states.states(config.output, run_date=config.night)
    if state.state == "committed":
        return 0
    return state.planned - state.ok - state.failed


def _refusal(
    config: EstimateConfig,
    found: pending.Pending,
    earlier: list[Plan],
    *,
    fingerprint: str,
) -> str | None:
    if config.rescore or not earlier:
        return None
    try:
        out = files.to_uri(config.output)
        pending.check_rescoring(out, found, earlier=earlier, fingerprint=fingerprint)
    except UsageError as error:
        return str(error)
    return None
