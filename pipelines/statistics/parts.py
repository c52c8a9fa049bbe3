"""Parts of `fcn stats`: what one shard holds."""

from pydantic import BaseModel, ConfigDict

from fcn_core.metrics.dataset_sums import LabelSums, PhotoSums
from fcn_core.metrics.rating_moments import RatingMoments
from fcn_core.metrics.tallies import Sums
from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.statistics.checks import Findings
from pipelines.statistics.plan import Plan


class Contents(Sums):
    """What some shards hold, added up.

    Attributes:
        photos: sizes and forms.
        labels: pixels by class; none of them in a data set of ratings.
        ratings: none of them in a data set of labels.
        findings: what is wrong.
    """

    photos: PhotoSums = PhotoSums()
    labels: LabelSums = LabelSums()
    ratings: RatingMoments = RatingMoments()
    findings: Findings = Findings()


class Part(BaseModel):
    """What one shard holds.

    Attributes:
        plan_id: of the statistics that it belongs to.
        contents: everything that is added up.
        hashes: sha256 of each photo in hex, one after the other, in the shard's order.
        ids: of each record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan_id: str
    contents: Contents
    hashes: str
    ids: tuple[str, ...]


def part_uri(plan: Plan, chunk: int) -> str:
    """Returns the name of a chunk's part."""
    return files.join(plan.parts_folder, f"shard-{chunk:05}.json")


def read_part(plan: Plan, chunk: int) -> Part | None:
    """Returns the part of a chunk, None where it is not committed.

    Raises:
        SystemicFault: it is damaged, or belongs to other statistics.
    """
    uri = part_uri(plan, chunk)
    try:
        part = Part.model_validate_json(files.read_bytes(uri))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SystemicFault(_damaged(uri)) from error
    if part.plan_id != plan.plan_id:
        raise SystemicFault(_damaged(uri))
    return part


def _damaged(uri: str) -> str:
    return (
        f"{uri}: got a damaged part, expected one of these statistics; remove it and "
        "run the same command again"
    )


def committed_part(plan: Plan, chunk: int) -> Part:
    """Returns the part of a chunk that must have one.

    Raises:
        SystemicFault: there is none, or it is damaged.
    """
    part = read_part(plan, chunk)
    if part is None:
        raise SystemicFault(
            f"{part_uri(plan, chunk)}: the part vanished, expected to add it up; run "
            "the same command again, once at a time"
        )
    return part
