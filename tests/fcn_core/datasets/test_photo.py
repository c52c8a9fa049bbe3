"""The photo check: a decode at an eighth of the size finds what a full one finds."""

import random

import numpy as np
import pytest

from fcn_core import images
from fcn_core.bad_image import BadImage
from fcn_core.datasets.bad_record import BadRecord
from fcn_core.datasets.photo import check_photo
from tests.drawn import hostile_files, odd_files, tiny_data
from tests.drawn.hostile_case import textured


def verdict(data: bytes, max_side: int | None) -> tuple[object, ...]:
    try:
        decoded = images.decode(data, max_side=max_side)
    except BadImage as bad:
        return bad.reason, bad.detail
    return decoded.height, decoded.width, decoded.orientation, decoded.format


def jpegs() -> dict[str, bytes]:
    pixels = textured(61, 83, 5)
    kinds: dict[str, dict[str, object]] = {
        "baseline": {},
        "progressive": {"progressive": True},
        "full chroma": {"subsampling": 0},
        "half chroma": {"subsampling": 1},
        "restarts": {"restart_marker_blocks": 3},
        "own tables": {"optimize": True, "quality": 97},
        "coarse": {"quality": 5},
    }
    found = {name: tiny_data.jpeg(pixels, **how) for name, how in kinds.items()}
    found["grey"] = tiny_data.jpeg(pixels[:, :, 0])
    found["tiny"] = tiny_data.jpeg(pixels[:3, :5])
    return found


@pytest.mark.parametrize("kind", jpegs())
def test_damage_is_found_whatever_the_size_of_the_decode(kind: str) -> None:
    data = jpegs()[kind]
    chance = random.Random(kind)
    variants = [data, *(data[: chance.randrange(len(data))] for _ in range(60))]
    for _ in range(240):
        damaged = bytearray(data)
        for _ in range(chance.choice([1, 1, 3, 40])):
            damaged[chance.randrange(len(data))] = chance.randrange(256)
        variants.append(bytes(damaged))
    verdicts = [(verdict(data, None), verdict(data, 1)) for data in variants]
    for whole, eighth in verdicts:
        assert whole == eighth
    assert len({whole[0] for whole, _ in verdicts}) > 1, "nothing was refused"


def test_hostile_and_odd_files_get_the_same_verdict() -> None:
    everything = [
        *(file.data for file in hostile_files.generate(seed=11)),
        *(file.data for file in odd_files.generate()),
    ]
    for data in everything:
        whole, eighth = verdict(data, None), verdict(data, 1)
        if whole[0] == "too-many-pixels":
            # A JPEG may be small enough at an eighth; these have no pixels at all.
            assert eighth[0] in {"too-many-pixels", "corrupt"}
        else:
            assert whole == eighth


def test_size_and_orientation_are_the_files_own() -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    turned = tiny_data.PHOTO_DAMAGE["image-turned"](tiny_data.jpeg(pixels), pixels)
    photo = check_photo(turned, path="x")
    assert (photo.height, photo.width, photo.orientation) == (20, 30, 6)
    with pytest.raises(BadRecord, match="x: corrupt"):
        check_photo(turned[:-20], path="x")
