"""What a Flex Template of Dataflow offers of Beam's flags, and how it is launched.

A template's launcher passes what the service knows itself (project, region, temporary
folders, name) without being asked. This module loads nothing of Beam: the launcher and
the template's description are made of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

IMAGE_VARIABLE: Final = "WORKER_IMAGE"
"""Environment variable of the image: its own name in its registry."""

_ALWAYS: Final = ("--runner=DataflowRunner", "--no_wait_until_finish")
_IMAGE_FLAG: Final = "--sdk_container_image"


@dataclass(frozen=True)
class Parameter:
    """A flag of Beam that a template offers.

    Attributes:
        name: Of the flag, without `--`.
        label: A few words, above the field in the console.
        text: What it is for.
        kind: The service's type of parameter.
        pattern: What a value matches; None where `values` has them all.
        values: The words that it may be.
        required: Whether it must be given.
    """

    name: str
    label: str
    text: str
    kind: str = "TEXT"
    pattern: str | None = None
    values: Sequence[str] = ()
    required: bool = False


PARAMETERS: Final = (
    Parameter(
        "max_num_workers",
        "Most workers",
        "The cap of what the job costs.",
        kind="NUMBER",
        pattern="^[1-9][0-9]{0,3}$",
        required=True,
    ),
    Parameter(
        "machine_type",
        "Machine type of the workers",
        "One family of processors, such as c3-standard-8: one night has one "
        "arithmetic. g2-standard-8 for an L4.",
        kind="MACHINE_TYPE",
        pattern="^[a-z][a-z0-9]*(-[a-z0-9]+)+$",
        required=True,
    ),
    Parameter(
        "autoscaling_algorithm",
        "Autoscaling",
        "NONE keeps the number of workers that num_workers says.",
        kind="ENUM",
        values=("THROUGHPUT_BASED", "NONE"),
    ),
    Parameter(
        "dataflow_service_options",
        "Service options",
        "Such as worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver.",
        pattern="^[^\\s]+$",
    ),
    Parameter(
        "flexrs_goal",
        "Flexible scheduling (FlexRS)",
        "Starts within six hours on cheaper machines; not with GPUs.",
        kind="ENUM",
        values=("COST_OPTIMIZED", "SPEED_OPTIMIZED"),
    ),
    Parameter(
        "number_of_worker_harness_threads",
        "Threads of a worker",
        "Streams of chunks that a worker has open; 2 if unset.",
        kind="NUMBER",
        pattern="^[1-9][0-9]{0,2}$",
    ),
    Parameter(
        "sdk_container_image",
        "Image of the workers",
        "The template's own image if unset.",
        pattern="^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+[:@][A-Za-z0-9_.:-]+$",
    ),
)


def launch_flags(given: Sequence[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Yields Beam's flags that a launcher adds to those that it was given."""
    yield from _ALWAYS
    image = environment.get(IMAGE_VARIABLE)
    names = {word.partition("=")[0] for word in given}
    if image and _IMAGE_FLAG not in names:
        yield f"{_IMAGE_FLAG}={image}"
