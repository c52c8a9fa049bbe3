"""Which GPUs Dataflow's workers may have: on which machines, how many, for what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.runners.dataflow_request import Request, refused

ONE_PROCESS: Final = "no_use_multiple_sdk_containers"
"""One process of Beam on a host: it deals the photos to the lanes of all cores."""

GPU_MACHINES: Final = ("g2-", "a2-", "a3-")
"""Families of machines that come with GPUs."""

EXAMPLE: Final = "type:nvidia-l4;count:1;install-nvidia-driver"

_ACCELERATOR: Final = re.compile(
    r"type:(?P<type>[a-z0-9-]+);count:(?P<count>[1-9][0-9]*)"
    r"(;install-nvidia-driver(:[0-9a-z.]+)?)?(?P<mps>;use_nvidia_mps)?"
)


@dataclass(frozen=True)
class Kind:
    """A type of GPU.

    Attributes:
        machines: The family that has it.
        example: A machine of that family with one GPU.
        word: A word in its name as nvidia-smi prints it.
        precisions: What it multiplies in hardware.
        cpus: Most cores of a machine, by the number of GPUs that are attached to it;
            empty: they are built into the machine.
    """

    machines: str
    example: str
    word: str
    precisions: tuple[str, ...] = ("f32", "bf16", "f16")
    cpus: Mapping[int, int] | None = None


_TURING: Final = ("f32", "f16")

KINDS: Final[Mapping[str, Kind]] = {
    "nvidia-l4": Kind("g2-", "g2-standard-8", "L4"),
    "nvidia-tesla-a100": Kind("a2-highgpu-", "a2-highgpu-1g", "A100"),
    "nvidia-a100-80gb": Kind("a2-ultragpu-", "a2-ultragpu-1g", "A100"),
    "nvidia-h100-80gb": Kind("a3-highgpu-", "a3-highgpu-1g", "H100"),
    "nvidia-tesla-t4": Kind(
        "n1-", "n1-standard-8", "T4", _TURING, {1: 48, 2: 48, 4: 96}
    ),
    "nvidia-tesla-v100": Kind(
        "n1-", "n1-standard-8", "V100", _TURING, {1: 12, 2: 24, 4: 48, 8: 96}
    ),
    "nvidia-tesla-p4": Kind(
        "n1-", "n1-standard-8", "P4", ("f32",), {1: 24, 2: 48, 4: 96}
    ),
    "nvidia-tesla-p100": Kind(
        "n1-", "n1-standard-8", "P100", ("f32",), {1: 16, 2: 32, 4: 96}
    ),
}
"""By the names that the service has for them; of other types nothing is known here."""

_L4_COUNTS: Final = {"24": 2, "48": 4, "96": 8}
"""GPUs of the machines of g2 that have several, by their cores."""


def check_accelerator(request: Request) -> None:
    """A GPU has a driver, the machine that it fits, and a job that uses it."""
    text, machine = request.accelerator, request.flags["machine_type"] or ""
    if text is None:
        if machine.startswith(GPU_MACHINES):
            raise refused(
                "--machine_type",
                machine,
                "its GPU in --dataflow_service_options, such as "
                f"worker_accelerator={EXAMPLE}; without a driver it is idle",
            )
        return
    found = _ACCELERATOR.fullmatch(text)
    if found is None:
        raise refused("worker_accelerator", text, f"a text such as {EXAMPLE}")
    _check_processes(request, mps=found["mps"] is not None)
    if "install-nvidia-driver" not in text:
        raise refused("worker_accelerator", text, f"a driver, as in {EXAMPLE}")
    _check_use(request, found["type"])
    fitted = request.worker_accelerator is None and not machine
    if found["type"] in KINDS and not fitted:
        _check_machine(found["type"], int(found["count"]), machine)
    _check_name(request, found["type"])


def _check_processes(request: Request, *, mps: bool) -> None:
    """Checks that a GPU is not shared: one process of a host has all its GPUs."""
    if mps:
        rule = "MPS and Dataflow Prime exclude each other" if request.is_prime else ""
        raise refused(
            "worker_accelerator",
            "use_nvidia_mps",
            f"none: {rule or f'MPS shares a GPU among processes, and {ONE_PROCESS}'}"
            f"{'' if rule else ' leaves one'}; leave it out",
        )


def _check_use(request: Request, name: str) -> None:
    """Checks that the job can use a GPU, in a precision that it has."""
    if request.engine != "tensorflow":
        got = "a job without a model" if request.engine is None else request.engine
        raise refused(
            "worker_accelerator",
            got,
            "--engine tensorflow, which is what uses a GPU; leave one of them out",
        )
    kind = KINDS.get(name)
    precisions = ("f32", "bf16", "f16") if kind is None else kind.precisions
    words = (request.precision or "").split("+")
    if not set(words) <= set(precisions):
        raise refused(
            "--precision",
            request.precision,
            f"{' or '.join(precisions)}, which {name} multiplies in hardware",
        )


def _check_name(request: Request, name: str) -> None:
    """Checks that the arithmetic of the night is that of the GPU."""
    kind, given = KINDS.get(name), request.instruction_set
    if kind is None or given in (None, "auto"):
        return
    if not re.search(rf"\b{kind.word}\b", given):
        raise refused(
            "--instruction_set",
            given,
            f"the name of {name} as nvidia-smi prints it, which has {kind.word} in it: "
            "a worker with another one is refused",
        )


def _check_machine(name: str, count: int, machine: str) -> None:
    """Checks that a machine is of those that have so many GPUs of a type."""
    kind = KINDS[name]
    if not machine.startswith(kind.machines):
        raise refused(
            "--machine_type",
            machine or None,
            f"a {kind.machines}* machine, such as {kind.example}: "
            f"{name} is in no other",
        )
    size = machine.rpartition("-")[2]
    if kind.cpus is None:
        built_in = _built_in(machine, size)
        if built_in is not None and built_in != count:
            raise refused(
                "worker_accelerator",
                f"count:{count}",
                f"count:{built_in}, which is what {machine} has built in",
            )
        return
    if count not in kind.cpus:
        known = ", ".join(map(str, kind.cpus))
        raise refused(
            "worker_accelerator",
            f"count:{count}",
            f"one of {known}, which is how many of {name} a machine can have",
        )
    if size.isdecimal() and int(size) > kind.cpus[count]:
        raise refused(
            "--machine_type",
            machine,
            f"at most {kind.cpus[count]} cores beside {count} of {name}; take a "
            "smaller machine, or more GPUs",
        )


def _built_in(machine: str, size: str) -> int | None:
    """Returns how many GPUs a machine comes with; None: its name does not say."""
    if machine.startswith("g2-standard-"):
        return _L4_COUNTS.get(size, 1)
    counted = re.fullmatch(r"(\d+)g", size)
    return int(counted[1]) if counted else None
