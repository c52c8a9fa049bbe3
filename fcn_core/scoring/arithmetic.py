"""Which engine computes in which precision on which instructions, on this machine.

All three are part of a score's identity: two machines that differ in one of them round
differently, and some pixels change their class. A plan freezes the whole `Arithmetic`.
"""

import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from fcn_core.bundles.card import ModelError
from fcn_core.scoring.gpus import Gpu, visible_gpus

EngineName = Literal["openvino", "tensorflow"]
Precision = Literal["f32", "bf16", "f16", "int8"]
PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)

_REDUCED: Final[dict[Precision, float]] = {"bf16": 8.0, "f16": 7.0}
"""What a GPU multiplies in hardware, and the least compute capability for that."""


_FAST_BF16: Final = ("amx_bf16", "arm_bf16")
"""Where bf16 is faster than f32; by AVX512-BF16 alone it took 1.5 times as long."""


@dataclass(frozen=True)
class Arithmetic:
    """How numbers are computed: two runs that share it give the same bytes.

    Attributes:
        engine: "openvino" or "tensorflow".
        precision: "f32", "bf16", "int8" or, on a GPU, "f16".
        instruction_set: Of the processor ("avx2", "avx512", "amx_bf16", ...) or the
            GPU's model name. In int8 the instructions for that are part of it, since
            they round otherwise ("avx512_vnni", "amx_int8", ...).
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
    bf16 where the hardware is fast at it, or f16 where a GPU has that, else f32;
    whether int8 is better depends on the model, see `precisions`. An instruction set
    that is named is another machine's: then nothing is looked up on this one.

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
            f"precision is {precision!r}, expected auto, f32, bf16, f16 or int8; pass"
            " --precision auto"
        )
    if instruction_set != "auto":
        return _elsewhere(engine, precision, instruction_set)
    gpu = _gpu()
    if engine == "auto":
        engine = "tensorflow" if gpu else "openvino"
    _check_int8(engine, precision)
    if gpu is not None and engine == "tensorflow":
        return _on_gpu(gpu, precision)
    return _on_processor(
        "tensorflow" if engine == "tensorflow" else "openvino", precision
    )


def _on_gpu(gpu: Gpu, precision: str) -> Arithmetic:
    """Returns the arithmetic of a GPU; `auto` is the fastest that it has."""
    has = [name for name, least in _REDUCED.items() if gpu.capability >= least]
    if precision == "auto":
        return Arithmetic("tensorflow", has[0] if has else "f32", gpu.model)
    for name in ("f32", *has):
        if name == precision:
            return Arithmetic("tensorflow", name, gpu.model)
    raise ModelError(
        f"precision is {precision} with {gpu.model}, expected one of f32"
        f"{''.join(f', {name}' for name in has)}, which it computes in hardware; pass "
        "--precision f32"
    )


def _on_processor(engine: EngineName, precision: str) -> Arithmetic:
    """Returns the arithmetic of this processor."""
    if precision == "int8":
        return Arithmetic(engine, "int8", _int8_instructions())
    bf16 = _bf16_instructions()
    if precision == "f16" or (precision == "bf16" and bf16 is None):
        raise ModelError(
            f"{precision} is not computed in hardware by this processor (engine "
            f"{engine}), expected AMX, AVX512-BF16 or ARM bf16 for bf16, a GPU for f16;"
            " pass --precision f32"
        )
    wanted = precision == "bf16" or (precision == "auto" and bf16 in _FAST_BF16)
    if wanted and bf16 is not None:
        return Arithmetic(engine, "bf16", bf16)
    return Arithmetic(engine, "f32", _f32_instructions())


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


def _gpu() -> Gpu | None:
    """Returns the first visible GPU, or None."""
    return next(iter(visible_gpus()), None)


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
