"""Damaged TIFFs: no pixel that the file does not write, and bounded work."""

import hashlib
import itertools
import os
import random
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_core import images
from tests.drawn.tiff_variants import TiffKind, assemble, draw, saved_strip

ROOT = Path(__file__).parents[3]
GOOD = [
    TiffKind(*kind)
    for kind in (
        (1, 1, None, 1),
        (1, 1, None, 2),
        (1, 1, None, 3),
        (1, 1, None, 4),
        (2, 8, None, 1),
        (2, 8, None, 5),
        (2, 8, None, 7),
        (2, 8, None, 8),
        (2, 8, None, 32773),
        (2, 16, None, 5, 2),
        (5, 8, None, 5),
        (3, 4, None, 8),
    )
]


def damaged_tiffs(seed: int, count: int) -> list[bytes]:
    """Returns TIFFs with flips, holes and cuts anywhere, tags included."""
    rng = random.Random(seed)
    files = []
    for kind in itertools.islice(itertools.cycle(GOOD), count):
        data = bytearray(draw(kind)[0])
        at = rng.randrange(8, len(data) - 1)
        match rng.randrange(4):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at : at + 40] = rng.randbytes(len(data[at : at + 40]))
            case 2:
                data[at : at + 40] = bytes(len(data[at : at + 40]))
            case _:
                del data[at:]
        files.append(bytes(data))
    return files


def answers(files: list[bytes]) -> list[str]:
    """Returns the hash of each file's pixels, or its reason."""
    found = []
    for data in files:
        try:
            found.append(hashlib.sha256(images.decode(data).pixels.data).hexdigest())
        except images.BadImage as error:
            found.append(error.reason)
    return found


def test_freed_memory_shows_in_no_picture() -> None:
    # glibc fills freed and new memory with the value and its complement.
    program = (
        "from tests.fcn_core.images.test_tiff_damage import *; "
        "print(*answers(damaged_tiffs(7, 600)))"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ | {"MALLOC_PERTURB_": value},
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        ).stdout.split()
        for value in ("17", "200")
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 600
    assert 100 < sum(len(one) == 64 for one in found[0]) < 500


def test_a_neighbour_shows_in_no_picture() -> None:
    files = damaged_tiffs(8, 240)
    for kind in GOOD:
        if kind.packing not in (2, 3, 4, 5, 32773):
            continue
        data, _ = draw(kind)
        for number, file in enumerate(files):
            before = answers([file])
            images.decode(data)
            assert answers([file]) == before, number


@pytest.mark.parametrize("packing", [1, 2, 3, 4, 5, 7, 8, 32946, 32773])
@pytest.mark.parametrize("order", "<>")
def test_pixels_that_end_early_are_corrupt(packing: int, order: str) -> None:
    bits = 1 if packing in (2, 3, 4) else 8
    kind = TiffKind(1, bits, None, packing, order=order)
    data, _ = draw(kind)
    (start,) = struct.unpack_from(order + "I", data, data.index(_entry(order, 273)) + 8)
    places = struct.unpack_from(order + "3I", data, start)
    for keep in (0.9, 0.5, 0.1):
        # The last strip is overwritten by the start of itself, and shorter.
        last = data[places[2] :]
        cut = data[: places[2] + max(1, int(len(last) * keep) - 1)]
        with pytest.raises(images.BadImage) as caught:
            images.decode(cut)
        assert caught.value.reason == "corrupt"


@pytest.mark.parametrize("packing", [2, 3, 4])
def test_a_fax_that_stops_between_rows_is_corrupt(packing: int) -> None:
    name = {2: "tiff_ccitt", 3: "group3", 4: "group4"}[packing]
    picture = np.indices((40, 64)).sum(0) % 7 < 3
    half = saved_strip(Image.fromarray(picture[:20]), compression=name)
    tags = {
        256: (4, [64]),
        257: (4, [40]),
        258: (3, [1]),
        259: (3, [packing]),
        262: (3, [1]),
        278: (4, [40]),
    }
    with pytest.raises(images.BadImage, match=r"its rows|damaged") as caught:
        images.decode(assemble(tags, [half]))
    assert caught.value.reason == "corrupt"
    tags[257] = tags[278] = (4, [20])
    found = images.decode(assemble(tags, [half])).pixels
    np.testing.assert_array_equal(found[..., 0] == 255, picture[:20])


def _entry(order: str, tag: int) -> bytes:
    return struct.pack(order + "HHI", tag, 4, 3)


@pytest.mark.parametrize(
    ("tags", "count"),
    [
        ({278: (4, [1])}, 1),  # 48 strips declared
        ({278: (4, [1])}, 47),
        ({322: (4, [16]), 323: (4, [16])}, 5),  # 6 tiles
    ],
)
def test_missing_strips_are_corrupt(
    tags: dict[int, tuple[int, list[int]]], count: int
) -> None:
    size = {256: (4, [32]), 257: (4, [48]), 258: (3, [8]), 262: (3, [1])}
    data = assemble(size | tags, [bytes(256)] * count)
    with pytest.raises(images.BadImage, match="strips or tiles") as caught:
        images.decode(data)
    assert caught.value.reason == "corrupt"


def test_strips_upon_each_other_cost_nothing() -> None:
    block = bytes(2**20)
    tags = {
        256: (4, [1000]),
        257: (4, [30_000]),
        258: (3, [8]),
        259: (3, [5]),
        262: (3, [1]),
        278: (4, [1]),
        273: (4, [9] * 30_000),
        279: (4, [2**20] * 30_000),
    }
    data = bytearray(assemble(tags, [block]))
    at = data.index(struct.pack("<HHII", 273, 4, 1, 0)[:8])
    data[at + 4 : at + 8] = struct.pack("<I", 30_000)
    at = data.index(struct.pack("<HHI", 279, 4, 1))
    data[at + 4 : at + 8] = struct.pack("<I", 30_000)
    start = time.process_time()
    with pytest.raises(images.BadImage) as caught:
        images.decode(bytes(data))
    assert caught.value.reason == "corrupt"
    assert time.process_time() - start < 2


def test_sizes_of_stored_strips_may_lack() -> None:
    data, seen = draw(TiffKind(2, 8))
    unknown = data.replace(_entry("<", 279), struct.pack("<HHI", 65_000, 4, 3))
    assert unknown != data
    np.testing.assert_array_equal(images.decode(unknown).pixels, seen)
    with pytest.raises(images.BadImage) as caught:
        images.decode(unknown[:-1])
    assert caught.value.reason == "corrupt"


@pytest.mark.parametrize(("packing", "most"), [(4, 2**14), (7, 2**16), (1, 2**18)])
def test_strips_without_number_are_refused(packing: int, most: int) -> None:
    tags = {
        256: (4, [16 * 512]),
        257: (4, [16 * 512]),
        258: (3, [1 if packing == 4 else 8]),
        259: (3, [packing]),
        262: (3, [1]),
    }
    side = 512 * 16 // int(most**0.5) // 2  # four times too many
    tags |= {322: (4, [side]), 323: (4, [side])}
    limits = images.DecodeLimits(max_pixels=2**27)
    with pytest.raises(images.BadImage, match="strips or tiles: save") as caught:
        images.decode(assemble(tags, [bytes(8)]), limits=limits)
    assert caught.value.reason == "unsupported-variant"


def test_a_thumbnail_in_front_is_not_the_photo() -> None:
    photo, seen = draw(TiffKind(2, 8))
    small = {
        254: (4, [1]),
        256: (4, [2]),
        257: (4, [2]),
        258: (3, [8]),
        262: (3, [1]),
        278: (4, [2]),
    }
    first = bytearray(assemble(small, [bytes(4)]))
    first += bytes(-len(first) % 2)
    tags = 8 + 2 + 12 * 8
    assert struct.unpack_from("<I", first, tags) == (0,)
    struct.pack_into("<I", first, tags, len(first) + 8)
    moved = _moved(photo, len(first))
    found = images.decode(bytes(first) + moved).pixels
    np.testing.assert_array_equal(found, seen)


def _moved(tiff: bytes, by: int) -> bytes:
    """Returns a little-endian TIFF whose places are `by` bytes further back."""
    data = bytearray(tiff)
    (count,) = struct.unpack_from("<H", data, 8)
    for at in range(10, 10 + 12 * count, 12):
        tag, kind, values, place = struct.unpack_from("<HHII", data, at)
        if values * {3: 2, 4: 4}[kind] > 4:
            struct.pack_into("<I", data, at + 8, place + by)
            if tag == 273:
                starts = struct.unpack_from(f"<{values}I", data, place)
                moved = [start + by for start in starts]
                struct.pack_into(f"<{values}I", data, place, *moved)
    return bytes(data)
