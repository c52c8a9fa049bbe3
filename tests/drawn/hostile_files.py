"""Hostile files: images that must be refused, each with the reason it must get.

The reason is fixed here, from how a file is built, before any decoder is asked. So the
generator is an oracle: `generate(seed, count)` gives files for the decoder's own tests
and for whole nights that must survive them. The seed alone decides the bytes.
"""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.drawn import damaged_files, false_headers, foreign_files
from tests.drawn.hostile_case import Case


class HostileFile(NamedTuple):
    """One file that must be refused.

    Attributes:
        name: A file name; its extension is often a lie.
        data: The bytes.
        reason: The reason that the decode policy must give.
        why: What is wrong with it.
    """

    name: str
    data: bytes
    reason: str
    why: str


def generate(seed: int = 0, count: int | None = None) -> list[HostileFile]:
    """Returns hostile files: every kind once, then more damage until `count`.

    Args:
        seed: Of the damage, the sizes and the order.
        count: How many; None = every kind once (more than 150). Fewer than that is a
            random choice.
    """
    rng = random.Random(seed)
    cases = [case for family in _FAMILIES for case in family(rng)]
    count = len(cases) if count is None else count
    rng.shuffle(cases)
    while len(cases) < count:
        cases.extend(damaged_files.cut_files(rng))
        cases.extend(damaged_files.damaged_scans(rng))
        cases.extend(damaged_files.damaged_pngs(rng))
    return [
        HostileFile(f"hostile-{number:04d}.{case.suffix}", *case[1:])
        for number, case in enumerate(cases[:count])
    ]


_FAMILIES: tuple[Callable[[random.Random], Iterator[Case]], ...] = (
    foreign_files.nothing,
    foreign_files.other_files,
    foreign_files.other_pictures,
    false_headers.bombs,
    false_headers.scan_bombs,
    false_headers.lying_headers,
    false_headers.variants,
    damaged_files.broken_pngs,
    damaged_files.cut_files,
    damaged_files.damaged_scans,
    damaged_files.damaged_pngs,
)
