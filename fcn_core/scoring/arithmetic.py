"""Which engine computes in which precision on which instructions, on this machine.

All three are part of a score's identity: two machines that differ in one of them round
differently, and some pixels change their class. A plan freezes the whole `Arithmetic`.
"""

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from fcn_core.bundles.card import ModelError

EngineName = Literal["openvino", "tensorflow"]
Precision = Literal["f32", "bf16", "int8"]
PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)


@dataclass(frozen=True)
class Arithmetic:
    """How numbers are computed: two runs that share it give the same bytes.

    Attributes:
        engine: "openvino" or "tensorflow".
        precision: "f32", "bf16" or "int8".
        instruction_set: Of the processor ("avx2", "avx512", "amx_bf16", ...) or the
            GPU's model name. In int8 the instructions for that are part of it, since
            they round otherwise ("avx512_vnni", "amx_int8", ...).
    """

    engine: EngineName
    precision: Precision
    instruction_set: str


def resolve_arithmetic(
    engine: str = "auto", precision: str = "auto", instruction_set: str = "auto"
) -> Arithmetic:
    """Chooses engine and precision for this machine, importing neither engine.

    `auto` engine: tensorflow where a GPU is visible, else openvino. `auto` precision:
    bf16 where the processor computes it in hardware, else f32; whether int8 is better
    depends on the model, see `precisions`. An instruction set that is named is another
    machine's: then nothing is looked up on this one.

    Raises:
        ModelError: A word is unknown, or this machine lacks the precision.
    """
    if engine not in ("auto", "openvino", "tensorflow"):
        raise ModelError(
            f"engine is {engine!r}, expected auto, openvino or tensorflow; pass"
            " --engine auto"
        )
    if precision not in ("auto", *PRECISIONS):
        raise ModelError(
            f"precision is {precision!r}, expected auto, f32, bf16 or int8; pass"
            " --precision auto"
        )
    if instruction_set != "auto":
        return _elsewhere(engine, precision, instruction_set)
    gpu = _gpu_model()
    if engine == "auto":
        engine = "tensorflow" if gpu else "openvino"
    _check_int8(engine, precision)
    if gpu is not None and engine == "tensorflow":
        if precision == "bf16":
            raise _no_bf16(gpu, engine)
        return Arithmetic("tensorflow", "f32", gpu)
    return _on_processor(
        "tensorflow" if engine == "tensorflow" else "openvino", precision
    )


def _on_processor(engine: EngineName, precision: str) -> Arithmetic:
    """Returns the arithmetic of this processor."""
    if precision == "int8":
        return Arithmetic(engine, "int8", _int8_instructions())
    bf16 = _bf16_instructions()
    if precision == "bf16" and bf16 is None:
        raise _no_bf16("this processor", engine)
    if precision != "f32" and bf16:
        return Arithmetic(engine, "bf16", bf16)
    return Arithmetic(engine, "f32", _f32_instructions())


def _no_bf16(what: str, engine: str) -> ModelError:
    return ModelError(
        f"bf16 is not computed in hardware by {what} (engine {engine}), expected AMX,"
        " AVX512-BF16 or ARM bf16; pass --precision f32"
    )


def _check_int8(engine: str, precision: str) -> None:
    if precision == "int8" and engine == "tensorflow":
        raise ModelError(
            "engine is tensorflow with precision int8, expected openvino, which alone"
            " computes int8; pass --engine openvino, or --precision f32"
        )


def _elsewhere(engine: str, precision: str, instruction_set: str) -> Arithmetic:
    """Returns the arithmetic of a machine that is not this one."""
    if "auto" in (engine, precision):
        raise ModelError(
            f"instruction_set is {instruction_set!r} with engine {engine} and precision"
            f" {precision}, expected both named; pass --engine and --precision"
        )
    _check_int8(engine, precision)
    return Arithmetic(
        engine="tensorflow" if engine == "tensorflow" else "openvino",
        precision=next(each for each in PRECISIONS if each == precision),
        instruction_set=instruction_set,
    )


def _gpu_model() -> str | None:
    """Returns the model name of the first visible NVIDIA GPU, or None."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
        return None
    program = shutil.which("nvidia-smi")
    if program is None or not Path("/dev/nvidia0").exists():
        return None
    query = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(
            query, capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    names = answer.stdout.strip().splitlines()
    return names[0].strip() if names else None


def _cpu_flags() -> frozenset[str]:
    """Returns the processor's features as Linux names them; none on other systems."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return frozenset(found.group(1).split()) if found else frozenset()


def _bf16_instructions() -> str | None:
    """Returns the best bfloat16 arithmetic of this processor, or None."""
    flags = _cpu_flags()
    for name in ("amx_bf16", "avx512_bf16"):
        if name in flags:
            return name
    return "arm_bf16" if "bf16" in flags else None


def _int8_instructions() -> str:
    """Returns what multiplies int8; float32 vectors where there is nothing better."""
    flags = _cpu_flags()
    for flag, name in (
        ("amx_int8", "amx_int8"),
        ("avx512_vnni", "avx512_vnni"),
        ("avx_vnni", "avx2_vnni"),
        ("i8mm", "arm_i8mm"),
        ("asimddp", "arm_dotprod"),
    ):
        if flag in flags:
            return name
    return _f32_instructions()


def _f32_instructions() -> str:
    """Returns the float32 vector instructions, which decide how sums are rounded."""
    flags = _cpu_flags()
    for flag, name in (("avx512f", "avx512"), ("avx2", "avx2"), ("avx", "avx")):
        if flag in flags:
            return name
    return platform.machine().lower()
