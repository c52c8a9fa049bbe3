"""Prices and machines: a dated file, which a person's own replaces."""

import datetime
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines import files
from pipelines.expected import expected_by
from pipelines.faults import UsageError

_SHIPPED: Final = Path(__file__).with_name("prices.yaml")

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WorkerPrices(_Strict):
    """What an hour of a worker's parts costs."""

    vcpu_hour: Amount
    memory_gb_hour: Amount
    disk_gb_hour: Amount


class StoragePrices(_Strict):
    """What a million requests of a store cost."""

    per_million_writes: Amount
    per_million_reads: Amount


class Machine(_Strict):
    """A kind of worker.

    Attributes:
        speed: Of a core, in cores of the machine that measures; of CPU workers.
        images_per_second: Of the whole worker, assumed; of GPU workers.
    """

    machine_type: str = Field(min_length=1)
    vcpus: Annotated[int, Field(ge=1)]
    memory_gb: Positive
    disk_gb: Amount
    gpu: str | None = None
    speed: Positive | None = None
    images_per_second: Positive | None = None

    @model_validator(mode="after")
    def _has_a_pace(self) -> "Machine":
        if (self.speed is None) == (self.images_per_second is None):
            raise ValueError("expected one of speed and images_per_second")
        return self


class Prices(_Strict):
    """A price list.

    Attributes:
        as_of: The day that it was looked up.
        source: Where.
        local_hour: An hour of the machine that measures.
        start_minutes: What a worker takes to start, paid for.
    """

    as_of: datetime.date
    region: str
    currency: str
    source: str
    worker: WorkerPrices
    gpu_hour: dict[str, Amount]
    storage: StoragePrices
    local_hour: Amount = 0
    start_minutes: Amount
    machines: tuple[Machine, ...]

    @model_validator(mode="after")
    def _knows_each_gpu(self) -> "Prices":
        for machine in self.machines:
            if machine.gpu is not None and machine.gpu not in self.gpu_hour:
                raise ValueError(f"expected a price of {machine.gpu} in gpu_hour")
        return self

    def worker_hour(self, machine: Machine) -> float:
        """Returns what an hour of a worker costs."""
        parts = self.worker
        return (
            machine.vcpus * parts.vcpu_hour
            + machine.memory_gb * parts.memory_gb_hour
            + machine.disk_gb * parts.disk_gb_hour
            + (self.gpu_hour[machine.gpu] if machine.gpu is not None else 0.0)
        )


def read_prices(place: str | None) -> Prices:
    """Returns the prices in a file; those of the package where none is named.

    Raises:
        UsageError: It is not there, or is no price list.
    """
    if place is None:
        return _parse(str(_SHIPPED), _SHIPPED.read_bytes())
    try:
        content = files.read_bytes(files.to_uri(place))
    except OSError as error:
        raise UsageError(
            f"--prices: got {place} ({str(error.strerror).lower()}), expected a YAML "
            "file of prices; check the path"
        ) from error
    return _parse(place, content)


def _parse(place: str, content: bytes) -> Prices:
    try:
        return Prices.model_validate(yaml.safe_load(content))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"--prices {place}: got {reason}, expected YAML; mend the file"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        expected = expected_by(first, None)
        raise UsageError(
            f"--prices {place}: {where}: got {str(first['input'])[:80]!r}, {expected}; "
            "mend it, docs/estimate.md has all fields"
        ) from error
