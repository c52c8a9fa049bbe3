"""Seeded damage in the coded data of real photos: how much of it is refused.

What is damaged, and how, is fixed before anything is decoded. Some damage cannot be
told from another picture: as many blocks, no impossible value, no visible jump.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fcn_core import images

pytestmark = pytest.mark.slow

Damage = Callable[[bytes, random.Random], bytes]
COPIES = 420
VISIBLE = 1.0
"""Mean difference of a pixel, of 255."""


def photos() -> list[bytes]:
    root = os.environ.get("FCN_VOC_ROOT")
    if not root:
        pytest.skip("FCN_VOC_ROOT is not set: no VOC photos")
    return [path.read_bytes() for path in sorted(Path(root).glob("JPEGImages/*.jpg"))]


def place(data: bytes, rng: random.Random, length: int = 0) -> int:
    start = data.rindex(b"\xff\xda") + 14
    return rng.randrange(start, data.rindex(b"\xff\xd9") - length)


def flip(data: bytes, rng: random.Random) -> bytes:
    while True:
        at = place(data, rng)
        wrong = data[at] ^ 1 << rng.randrange(8)
        if 0xFF not in (data[at - 1], data[at], wrong):
            return data[:at] + bytes([wrong]) + data[at + 1 :]


def lose(data: bytes, rng: random.Random) -> bytes:
    length = rng.randrange(1, 33)
    at = place(data, rng, length)
    return data[:at] + data[at + length :]


def insert(data: bytes, rng: random.Random) -> bytes:
    at = place(data, rng)
    extra = bytes(rng.randrange(255) for _ in range(rng.randrange(1, 33)))
    return data[:at] + extra + data[at:]


def empty(data: bytes, rng: random.Random) -> bytes:
    length = rng.randrange(1, 200)
    at = place(data, rng, length)
    return data[:at] + bytes(length) + data[at + length :]


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: place(data, rng, 64)] + data[-2:]


SINGLE: list[Damage] = [flip, flip, lose, insert, empty, cut]


def damaged(data: bytes, number: int) -> bytes:
    """Every fourth copy has lost its end marker, too."""
    rng = random.Random(f"copy {number}")
    wrong = SINGLE[number % len(SINGLE)](data, rng)
    return wrong[:-2] if number % 4 == 3 else wrong


def test_of_damaged_copies_few_are_taken_for_photos() -> None:
    found = photos()
    differences = []
    rng = random.Random(14)
    for number in range(COPIES):
        good = rng.choice(found)
        try:
            pixels = images.decode(damaged(good, number), is_foreign=True).pixels
        except images.BadImage as bad:
            assert bad.reason in {"corrupt", "corrupt-strict"}
            continue
        right = images.decode(good).pixels.astype(np.int16)
        differences.append(float(np.abs(pixels - right).mean()))
    visible = [mean for mean in differences if mean > VISIBLE]
    refused = COPIES - len(differences)
    summary = (
        f"{COPIES} damaged copies: {refused} refused, {len(differences)} accepted, "
        f"{len(visible)} of them with a mean difference above {VISIBLE}"
    )
    assert refused >= 0.66 * COPIES, summary
    assert len(visible) <= 0.06 * COPIES, summary
    assert sum(mean > 16 for mean in differences) == 0, summary


def test_no_good_photo_is_refused() -> None:
    for data in photos():
        for side in (None, 300, 1):
            images.decode(data, max_side=side, is_foreign=True)
        images.check(data)
