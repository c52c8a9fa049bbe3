"""What a conversion took the values of masks for, and whether that can be meant."""

from collections.abc import Mapping, Sequence
from typing import Final

from fcn_core.labels import VOID

NEARLY_ALL: Final = 0.9
"""Share of void from which on labels teach too little to be meant."""

CURE: Final = "choose another --output for it"
"""What else a person does who says what values mean."""

_SHOWN: Final = 8


def text(pixels: Mapping[int, int], *, classes: Sequence[str], void: int | None) -> str:
    """Returns the classes in all labels and the share of void, in one line.

    Args:
        pixels: Class id or void -> pixels that have it.
        classes: Names by id.
        void: The value that is no class.
    """
    total = sum(pixels.values())
    ids = [value for value in sorted(pixels) if value != void]
    largest = sorted(ids, key=lambda value: (-pixels[value], value))[:_SHOWN]
    shares = [f"{classes[value]} {pixels[value] / total:.1%}" for value in largest]
    if len(ids) > _SHOWN:
        shares.append(f"{len(ids) - _SHOWN} more")
    noun = "class" if len(ids) == 1 else "classes"
    of_void = pixels.get(void, 0) / total if void is not None else 0.0
    return f"{len(ids)} {noun} ({', '.join(shares)}), void {of_void:.1%}"


def doubt(pixels: Mapping[int, int]) -> str | None:
    """Returns why masks without a label map cannot be meant as they were understood.

    Args:
        pixels: Class id or 255 -> pixels that have it; empty where nothing is known.
    """
    total = sum(pixels.values())
    if not total:
        return None
    ids = [value for value in sorted(pixels) if value != VOID]
    of_void = pixels.get(VOID, 0) / total
    gaps = [value for value in range(max(ids, default=0)) if value not in pixels]
    cure, both = "name the values in a --label_map", VOID in pixels
    if of_void > NEARLY_ALL:
        what = f"{of_void:.1%} of the pixels are void (value {VOID})"
    elif len(ids) < 2:
        what = f"one class, the value {ids[0]}, and {of_void:.1%} void (value {VOID})"
    elif gaps:
        both = False
        what = f"the values {_listed(ids)} as class ids, without {_listed(gaps)} below"
    else:
        return None
    if both:
        cure = f"pass --void_value none if {VOID} is a class, or {cure}"
    expected = "two classes or more, numbered 0, 1, 2, ... without gaps"
    return f"got {what}, expected {expected}; {cure}"


def _listed(values: Sequence[int]) -> str:
    shown = ", ".join(map(str, values[:_SHOWN]))
    return f"{shown}, ..." if len(values) > _SHOWN else shown
