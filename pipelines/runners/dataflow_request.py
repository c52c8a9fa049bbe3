"""What a person asks of Dataflow, as its rules see it, and how a rule refuses it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from pipelines.faults import UsageError


@dataclass(frozen=True)
class Request:
    """A job for Dataflow.

    Attributes:
        flags: All options of Beam by their names, defaults included.
        output: Where the job writes.
        engine: Library that runs the model; None for a job without a model.
        precision: Its arithmetic; None for a job without a model.
        instruction_set: What computes it; None for a job without a model.
    """

    flags: Mapping[str, Any]
    output: str
    engine: str | None = None
    precision: str | None = None
    instruction_set: str | None = None

    @property
    def is_rehearsal(self) -> bool:
        """Whether the service is a stand-in on this machine, which has no buckets."""
        return urlparse(str(self.flags["dataflow_endpoint"])).hostname == "localhost"

    @property
    def is_template_launch(self) -> bool:
        """Whether a Flex Template's launcher runs the command.

        Beam then writes the job where the service looks for it, and submits nothing.
        """
        return "/template_launches/" in (self.flags["template_location"] or "")

    @property
    def experiments(self) -> Sequence[str]:
        """The values of `--experiments`."""
        return self.flags["experiments"] or []

    @property
    def service_options(self) -> Sequence[str]:
        """The values of `--dataflow_service_options`."""
        return self.flags["dataflow_service_options"] or []

    @property
    def is_prime(self) -> bool:
        """Whether Dataflow Prime runs the job."""
        return "enable_prime" in {*self.service_options, *self.experiments}

    @property
    def hints(self) -> Mapping[str, str]:
        """The values of `--resource_hints` by their names."""
        pairs = (text.partition("=") for text in self.flags["resource_hints"] or [])
        return {name: value for name, _, value in pairs}

    @property
    def worker_accelerator(self) -> str | None:
        """What `worker_accelerator=` says of GPUs, wherever it is given."""
        for option in (*self.service_options, *self.experiments):
            name, _, value = option.partition("=")
            if name == "worker_accelerator":
                return value
        return None

    @property
    def accelerator(self) -> str | None:
        """What is said of GPUs, for all workers or by a resource hint."""
        return self.worker_accelerator or self.hints.get("accelerator")


def refused(what: str, got: object, expected: str) -> UsageError:
    """Returns the fault for a wrong value.

    Args:
        what: The flag.
        got: Its value; None where it is not given.
        expected: What it should be, `; ` and the rule or the cure.
    """
    shown = "nothing" if got is None else str(got) or "an empty value"
    return UsageError(f"{what}: got {shown}, expected {expected}")
