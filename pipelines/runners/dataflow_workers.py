"""How many workers Dataflow starts, of which kind: what is accepted."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from pipelines.runners.dataflow_gpus import (
    GPU_MACHINES,
    ONE_PROCESS,
    check_accelerator,
)
from pipelines.runners.dataflow_request import Request, refused

_MACHINE: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_INSTRUCTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "c2-": {"f32": "avx512", "int8": "avx512_vnni"},
    "c3-": {"f32": "avx512", "bf16": "amx_bf16", "int8": "amx_int8"},
    "c4-": {"f32": "avx512", "bf16": "amx_bf16", "int8": "amx_int8"},
    "n4-": {"f32": "avx512", "bf16": "amx_bf16", "int8": "amx_int8"},
    "c3d-": {"f32": "avx512", "bf16": "avx512_bf16", "int8": "avx512_vnni"},
    "c2d-": {"f32": "avx2", "int8": "avx2"},
    "t2d-": {"f32": "avx2", "int8": "avx2"},
}
"""What families of one generation of processors compute with, by precision."""

_HINTS: Final = ("accelerator", "cpu_count", "min_ram")
"""Resource hints by which the service fits machines to steps (right fitting)."""


def check_numbers(request: Request) -> None:
    """The number of workers has a cap, and all numbers agree."""
    flags = request.flags
    first, most = flags["num_workers"], flags["max_num_workers"]
    fixed = flags["autoscaling_algorithm"] == "NONE"
    for name in ("num_workers", "max_num_workers", "number_of_worker_harness_threads"):
        if flags[name] is not None and flags[name] < 1:
            raise refused(f"--{name}", flags[name], "1 or more")
    if fixed and first is None:
        raise refused(
            "--num_workers", None, "a number: with autoscaling NONE it is what runs"
        )
    if most is None and not fixed:
        raise refused(
            "--max_num_workers", None, "a number; the job's cost has no cap without it"
        )
    if most is not None and first is not None and first > most:
        raise refused(
            "--num_workers", first, f"at most --max_num_workers, which is {most}"
        )
    if fixed and most not in (None, first):
        raise refused(
            "--max_num_workers",
            most,
            f"the {first} of --num_workers: autoscaling is NONE",
        )


def check_processes(request: Request) -> None:
    """One process of Beam a host, on Dataflow's present engine."""
    for experiment in request.experiments:
        if experiment == "use_multiple_sdk_containers":
            raise refused(
                "--experiments",
                experiment,
                f"{ONE_PROCESS}: one process a host has the lanes of all its cores",
            )
        if experiment.startswith("disable_") and "runner" in experiment:
            raise refused("--experiments", experiment, "none that disables Runner v2")


def check_machine(request: Request) -> None:
    """The machine has a type, and where a model runs one that is chosen."""
    machine = request.flags["machine_type"]
    if machine is not None and request.is_prime:
        raise refused(
            "--machine_type",
            machine,
            "none: Dataflow Prime chooses machines; leave out it or enable_prime",
        )
    if machine is not None and not _MACHINE.fullmatch(machine):
        raise refused("--machine_type", machine, "a type such as c3-standard-8")
    chosen = request.is_prime or set(request.hints) & {*_HINTS}
    if machine is None and request.engine is not None and not chosen:
        raise refused(
            "--machine_type",
            None,
            "a type such as c3-standard-8: the default has one core of any "
            "generation, and one night has one arithmetic",
        )


def check_right_fitting(request: Request) -> None:
    """Machines are fitted to steps by hints, or are all alike."""
    hints = sorted(set(request.hints) & {*_HINTS})
    if not hints:
        return
    if request.worker_accelerator is not None:
        raise refused(
            "--resource_hints",
            f"{hints[0]} and worker_accelerator",
            "one of them: right fitting and worker_accelerator exclude each other",
        )
    if request.flags["flexrs_goal"] is not None:
        raise refused(
            "--flexrs_goal", f"it and the hint {hints[0]}", "no right fitting on FlexRS"
        )


def check_flexrs(request: Request) -> None:
    """FlexRS scales by itself, and has no GPUs."""
    if request.flags["flexrs_goal"] is None:
        return
    if request.is_prime:
        raise refused("--flexrs_goal", "it and enable_prime", "no FlexRS on Prime")
    machine = request.flags["machine_type"] or ""
    if request.accelerator is not None or machine.startswith(GPU_MACHINES):
        raise refused("--flexrs_goal", "it and a GPU", "no GPU: FlexRS has none")
    if request.flags["autoscaling_algorithm"] == "NONE":
        raise refused(
            "--flexrs_goal",
            "it and --autoscaling_algorithm=NONE",
            "THROUGHPUT_BASED: FlexRS is for jobs that scale",
        )


def check_instructions(request: Request) -> None:
    """What computes on the workers is named, and is what the machines have."""
    got, machine = request.instruction_set, request.flags["machine_type"] or ""
    if got is None:
        return
    families = (
        each for name, each in _INSTRUCTIONS.items() if machine.startswith(name)
    )
    known = next(families, None)
    if request.accelerator is not None:
        expected = "the GPU's name as nvidia-smi prints it, such as NVIDIA L4"
        wrong = got == "auto"
    elif known is not None:
        # Of several precisions in one night, the instructions for int8 name all.
        words = (request.precision or "").split("+")
        word = known.get("int8" if "int8" in words else words[0])
        expected = f"{word or 'f32 as --precision'}, which {machine} has"
        wrong = got != word
    else:
        expected = "what all workers have, such as avx512; see docs/dataflow.md"
        wrong = got == "auto"
    if wrong:
        raise refused(
            "--instruction_set",
            got,
            f"{expected}: the launcher is not the worker, and one night has one "
            "arithmetic",
        )


RULES: Final[tuple[Callable[[Request], None], ...]] = (
    check_numbers,
    check_processes,
    check_machine,
    check_right_fitting,
    check_flexrs,
    check_accelerator,
    check_instructions,
)
"""Each raises a `UsageError` where its first line does not hold."""
