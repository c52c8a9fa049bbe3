"""Which precision each model of one pass is computed in, and how plans spell that.

Models differ: masks may be good in int8 while ratings are not. What is faster is looked
up, not timed: a race at the start could end otherwise tomorrow, and score all again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, cast

from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.int8_form import LEAST_RANKS, MOST_LOSS
from fcn_core.labels import RATING_TASKS
from fcn_core.scoring.arithmetic import Arithmetic, Precision, resolve_arithmetic

FASTER_IN_INT8: Final[Mapping[str, float]] = {
    "avx2": 1.6,
    "avx512": 1.5,
    "avx512_vnni": 2.6,
    "avx2_vnni": 2.1,
}
"""Instructions for int8 -> how much faster than in f32 `voc21` was, one thread.

Measured, and faster than bf16 without AMX as well. What is not here was not measured:
with AMX, bf16 stays; on ARM, f32 or bf16.
"""

_BESIDE: Final[Mapping[str, Mapping[str, str]]] = {
    "amx_int8": {"f32": "avx512", "bf16": "amx_bf16"},
    "avx512_vnni": {"f32": "avx512", "bf16": "avx512_bf16"},
    "avx2_vnni": {"f32": "avx2"},
    "arm_i8mm": {"f32": "aarch64", "bf16": "arm_bf16"},
    "arm_dotprod": {"f32": "aarch64", "bf16": "arm_bf16"},
}
"""What the same processor computes other precisions with."""

_JOINED: Final = "+"


def resolve_precisions(
    cards: Sequence[ModelCard],
    engine: str = "auto",
    precision: str = "auto",
    *,
    instruction_set: str = "auto",
) -> tuple[Arithmetic, ...]:
    """Returns what computes each model; see `resolve_arithmetic` for the words.

    `int8` means the models that have it, ratings only where they rank photos as in f32;
    other ratings are computed in f32 beside them. `auto` takes int8 where the model
    loses little by its card, and this processor is faster then.

    Raises:
        ModelError: A word is unknown, or machine or models lack the precision.
    """
    usual = resolve_arithmetic(engine, precision, instruction_set)
    if precision == "int8":
        found = tuple(_asked_for(card, usual) for card in cards)
        if all(each.precision != "int8" for each in found):
            raise _no_int8(cards[0])
        return found
    if precision != "auto" or usual.engine != "openvino":
        return (usual,) * len(cards)
    int8 = resolve_arithmetic("openvino", "int8")
    if int8.instruction_set not in FASTER_IN_INT8:
        return (usual,) * len(cards)
    return tuple(int8 if _is_good(card) else usual for card in cards)


def join(arithmetics: Sequence[Arithmetic]) -> tuple[str, str]:
    """Returns precision and instruction set of models as one word each.

    The precision is one word where all have the same, else one a model joined by "+",
    like the models' names. The instructions for int8 name the processor's others.
    """
    precisions = [each.precision for each in arithmetics]
    int8 = (each for each in arithmetics if each.precision == "int8")
    named = next(int8, arithmetics[0])
    words = precisions if len(set(precisions)) > 1 else precisions[:1]
    return _JOINED.join(words), named.instruction_set


def split(
    engine: str, precision: str, instruction_set: str, *, count: int
) -> tuple[Arithmetic, ...]:
    """Returns the arithmetic of each of `count` models from the words of `join`.

    Raises:
        ModelError: They are not for that many models, or a word is unknown.
    """
    words = precision.split(_JOINED)
    if len(words) == 1:
        words *= count
    if len(words) != count:
        raise ModelError(
            f"precision is {precision!r} for {count} models, expected one for each;"
            " name the same models as in the plan"
        )
    named = resolve_arithmetic(engine, "f32", instruction_set)
    return tuple(
        replace(
            named,
            precision=cast(Precision, word),
            instruction_set=_of_processor(instruction_set, word, words),
        )
        for word in words
    )


def _of_processor(instruction_set: str, word: str, words: Sequence[str]) -> str:
    """Returns what computes a precision where a plan names the int8 instructions."""
    if word == "int8" or "int8" not in words:
        return instruction_set
    return _BESIDE.get(instruction_set, {}).get(word, instruction_set)


def describe(precision_of: Mapping[str, str]) -> str:
    """Returns models' precisions for people: "int8 (voc21), f32 (quality)"."""
    words = dict.fromkeys(precision_of.values())
    if len(words) == 1:
        return next(iter(words))
    named = {
        word: [name for name, other in precision_of.items() if other == word]
        for word in words
    }
    return ", ".join(f"{word} ({', '.join(of)})" for word, of in named.items())


def _asked_for(card: ModelCard, int8: Arithmetic) -> Arithmetic:
    """Returns the arithmetic of a model where int8 is asked for."""
    rates = any(part.task in RATING_TASKS for part in card.parts)
    if card.int8 is not None and not (rates and _ranks_otherwise(card)):
        return int8
    if card.task not in RATING_TASKS:
        raise _no_int8(card)
    word = _BESIDE.get(int8.instruction_set, {}).get("f32", int8.instruction_set)
    return replace(int8, precision="f32", instruction_set=word)


def _ranks_otherwise(card: ModelCard) -> bool:
    return card.int8 is None or not card.int8.rank_correlation >= LEAST_RANKS


def _is_good(card: ModelCard) -> bool:
    """Whether a model's own figures say that int8 costs little."""
    if card.int8 is None:
        return False
    tasks = {part.task for part in card.parts}
    if "segmentation" in tasks and not card.int8.loss <= MOST_LOSS:
        return False
    return not (tasks & set(RATING_TASKS) and _ranks_otherwise(card))


def _no_int8(card: ModelCard) -> ModelError:
    why = "has no int8 form"
    if card.int8 is not None:
        ranks = card.int8.rank_correlation
        why = f"ranks photos otherwise in int8 ({ranks:.3f}, at least {LEAST_RANKS})"
    return ModelError(
        f"precision is int8, but {card.label} {why}, expected one made by fcn export"
        " --int8; pass --precision auto or f32"
    )
