"""Which engine computes in which precision on which instructions, on this machine.

All three are part of a score's identity: two machines that differ in one of them round
differently, and some pixels change their class. A plan freezes the whole `Arithmetic`.
"""

import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fcn_core.bundles.card import ModelError
from fcn_core.scoring.gpus import visible_gpus

EngineName = Literal["openvino", "tensorflow"]
Precision = Literal["f32", "bf16"]


@dataclass(frozen=True)
class Arithmetic:
    """How numbers are computed: two runs that share it give the same bytes.

    Attributes:
        engine: "openvino" or "tensorflow".
        precision: "f32" or "bf16".
        instruction_set: Of the processor ("avx2", "avx512", "amx_bf16", ...) or the
            GPU's model name.
    """

    engine: EngineName
    precision: Precision
    instruction_set: str

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU computes it: processors' instructions have no such names."""
        return re.fullmatch(r"[a-z0-9_]+", self.instruction_set) is None


def resolve_arithmetic(
    engine: str = "auto", precision: str = "auto", instruction_set: str = "auto"
) -> Arithmetic:
    """Chooses engine and precision for this machine, importing neither engine.

    `auto` engine: tensorflow where a GPU is visible, else openvino. `auto` precision:
    bf16 where the processor computes it in hardware, else f32. An instruction set that
    is named is another machine's: then nothing is looked up on this one.

    Raises:
        ModelError: A word is unknown, or this machine lacks the precision.
    """
    if engine not in ("auto", "openvino", "tensorflow"):
        raise ModelError(
            f"engine is {engine!r}, expected auto, openvino or tensorflow; pass"
            " --engine auto"
        )
    if precision not in ("auto", "f32", "bf16"):
        raise ModelError(
            f"precision is {precision!r}, expected auto, f32 or bf16; pass"
            " --precision auto"
        )
    if instruction_set != "auto":
        return _elsewhere(engine, precision, instruction_set)
    gpu = _gpu_model()
    if engine == "auto":
        engine = "tensorflow" if gpu else "openvino"
    on_gpu = gpu is not None and engine == "tensorflow"
    bf16 = None if on_gpu else _bf16_instructions()
    if precision == "bf16" and bf16 is None:
        raise ModelError(
            f"bf16 is not computed in hardware by {gpu if on_gpu else 'this processor'}"
            f" (engine {engine}), expected AMX, AVX512-BF16 or ARM bf16; pass"
            " --precision f32"
        )
    chosen: Precision = "bf16" if precision != "f32" and bf16 else "f32"
    if on_gpu and gpu:
        instructions = gpu
    else:
        instructions = bf16 if chosen == "bf16" and bf16 else _f32_instructions()
    return Arithmetic(
        engine="tensorflow" if engine == "tensorflow" else "openvino",
        precision=chosen,
        instruction_set=instructions,
    )


def _elsewhere(engine: str, precision: str, instruction_set: str) -> Arithmetic:
    """Returns the arithmetic of a machine that is not this one."""
    if "auto" in (engine, precision):
        raise ModelError(
            f"instruction_set is {instruction_set!r} with engine {engine} and precision"
            f" {precision}, expected both named; pass --engine and --precision"
        )
    return Arithmetic(
        engine="tensorflow" if engine == "tensorflow" else "openvino",
        precision="bf16" if precision == "bf16" else "f32",
        instruction_set=instruction_set,
    )


def _gpu_model() -> str | None:
    """Returns the model name of the first visible NVIDIA GPU, or None."""
    gpus = visible_gpus()
    return gpus[0].model if gpus else None


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


def _f32_instructions() -> str:
    """Returns the float32 vector instructions, which decide how sums are rounded."""
    flags = _cpu_flags()
    for flag, name in (("avx512f", "avx512"), ("avx2", "avx2"), ("avx", "avx")):
        if flag in flags:
            return name
    return platform.machine().lower()
