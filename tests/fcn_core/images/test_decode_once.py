"""One decoding serves all working sizes that give the same pixels."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from fcn_core import images

SIDES = (None, 100, 130, 250, 500, 2000)


def encode(width: int, height: int, kind: str, *, turn: int = 1) -> bytes:
    noise = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(noise).save(buffer, kind, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("turn", [1, 6])
@pytest.mark.parametrize("size", [(1000, 700), (501, 333), (97, 801)])
def test_it_serves_exactly_where_the_pixels_are_the_same(
    kind: str, turn: int, size: tuple[int, int]
) -> None:
    data = encode(*size, kind, turn=turn)
    decoded = {side: images.decode(data, max_side=side) for side in SIDES}
    seen = set()
    for first, second in itertools.product(SIDES, SIDES):
        same = np.array_equal(decoded[first].pixels, decoded[second].pixels)
        assert images.is_decoded_for(decoded[first], second) is same
        seen.add(same)
    assert seen == ({True, False} if kind == "JPEG" else {True})
