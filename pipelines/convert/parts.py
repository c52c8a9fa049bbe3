"""The parts of a conversion: what became of each shard's entries, created once."""

from pydantic import BaseModel, ConfigDict

from pipelines import files
from pipelines.chunks.counts import Counts
from pipelines.convert.pieces import work_uri
from pipelines.convert.plan import ConvertPlan, Rejected
from pipelines.faults import SystemicFault


class Part(BaseModel):
    """What became of a shard's entries.

    Attributes:
        plan_id: Of the plan it belongs to.
        records: Examples in the shard.
        bytes: Size of the shard.
        sha256: Of the shard; names the staged file.
        highest: Highest class id in it.
        photos: sha256 of each record's photo in hex, one after the other.
        rejected: Entries that did not become examples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan_id: str
    records: int
    bytes: int
    sha256: str
    highest: int
    photos: str
    rejected: tuple[Rejected, ...]

    @property
    def counts(self) -> Counts:
        """The same as counts of the job."""
        return Counts(ok=self.records, failed=len(self.rejected))


def read_part(out: str, plan: ConvertPlan, chunk: int) -> Part | None:
    """Returns the part of a chunk, None where it is not committed.

    Raises:
        SystemicFault: the part is damaged or belongs to another plan.
    """
    uri = part_uri(out, chunk)
    try:
        part = Part.model_validate_json(files.read_bytes(uri))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SystemicFault(_damaged(uri, "a damaged part")) from error
    if part.plan_id != plan.plan_id:
        raise SystemicFault(_damaged(uri, "a part of another plan"))
    return part


def committed_part(out: str, plan: ConvertPlan, chunk: int) -> Part:
    """Returns the part of a chunk that must have one.

    Raises:
        SystemicFault: there is none, or it is damaged.
    """
    part = read_part(out, plan, chunk)
    if part is None:
        raise SystemicFault(f"{part_uri(out, chunk)}: the part vanished")
    return part


def part_uri(out: str, chunk: int) -> str:
    """Returns the name of a chunk's part."""
    return work_uri(out, "parts", f"shard-{chunk:05}.json")


def staged_uri(out: str, chunk: int, sha256: str) -> str:
    """Returns the name of a chunk's shard until the data set is finished."""
    return work_uri(out, "shards", f"shard-{chunk:05}-{sha256[:16]}.tfrecord")


def _damaged(uri: str, got: str) -> str:
    return (
        f"{uri}: got {got}, expected the part of this conversion; remove it, and the "
        "same command makes the shard again"
    )
