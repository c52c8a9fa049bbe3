"""The parts of `fcn stats`: what each shard holds."""

from collections.abc import Sequence
from typing import Final

from fcn_core.metrics.dataset_sums import LabelSums, PhotoSums
from fcn_core.metrics.rating_moments import RatingMoments
from fcn_core.metrics.tallies import Sums
from pipelines.chunks.counts import Counts
from pipelines.chunks.parts import Part
from pipelines.statistics.checks import Findings
from pipelines.statistics.plan import Statistics
from pipelines.statistics.rows import RecordRow

_CONTENTS: Final = b"fcn.contents"


class Contents(Sums):
    """What some shards hold, added up: labels or ratings, by the data set's task."""

    photos: PhotoSums = PhotoSums()
    labels: LabelSums = LabelSums()
    ratings: RatingMoments = RatingMoments()
    findings: Findings = Findings()


def write_part(
    statistics: Statistics,
    chunk: int,
    *,
    rows: Sequence[RecordRow],
    contents: Contents,
) -> None:
    """Makes what a shard holds count, unless an earlier attempt did."""
    _, shard = statistics.shards[chunk]
    statistics.parts.create(
        chunk,
        [vars(row) for row in rows],
        counts=Counts(ok=shard.records),
        footer={_CONTENTS: contents.model_dump_json().encode()},
    )


def contents_of(part: Part) -> Contents:
    """Returns what a shard holds, all but the records' names and photos."""
    return Contents.model_validate_json(part.footer[_CONTENTS])
