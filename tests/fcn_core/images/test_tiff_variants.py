"""Every kind of TIFF: the drawn pixels, or refused with a cure."""

import collections

import numpy as np
import pytest

from fcn_core import images
from tests.drawn import variant_table
from tests.drawn.tiff_variants import TiffKind, draw


def answer(kind: TiffKind, *, tile: int = 0) -> str:
    """Returns "read" where the pixels are the right ones, else what is wrong."""
    data, seen = draw(kind, tile=tile)
    try:
        found = images.decode(data).pixels
    except images.BadImage as error:
        assert "save it" in error.detail, (kind, error)
        return error.reason
    most = np.abs(found.astype(int) - seen).max()
    return "read" if most <= 2 else f"wrong by {most}"


@pytest.mark.parametrize("photometric", variant_table.PHOTOMETRICS)
def test_the_table_says_what_happens_to_every_kind(photometric: int) -> None:
    kinds = [k for k in variant_table.every_tiff() if k.photometric == photometric]
    expected = {
        kind: "read" if variant_table.is_read(kind) else "unsupported-variant"
        for kind in kinds
    }
    found = {kind: answer(kind) for kind in kinds}
    assert len(found) > 200
    assert {k: a for k, a in found.items() if a != expected[k]} == {}


def test_the_table_has_both_answers() -> None:
    count = collections.Counter(map(variant_table.is_read, variant_table.every_tiff()))
    assert min(count.values()) > 500


@pytest.mark.parametrize("tile", [16, 32])
@pytest.mark.parametrize("planes", [1, 2])
@pytest.mark.parametrize("packing", [1, 5, 8, 32773])
@pytest.mark.parametrize("bits", [8, 16])
def test_tiles_are_put_in_their_places(
    tile: int, planes: int, packing: int, bits: int
) -> None:
    kind = TiffKind(2, bits, packing=packing, planes=planes)
    assert answer(kind, tile=tile) == "read"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("planes", [1, 2])
@pytest.mark.parametrize("packing", [5, 8, 32946])
@pytest.mark.parametrize("bits", [8, 16])
def test_differences_are_added_up(
    order: str, planes: int, packing: int, bits: int
) -> None:
    for photometric in (1, 2):
        kind = TiffKind(photometric, bits, None, packing, planes, order, predictor=2)
        assert answer(kind) == "read"
        floats = kind._replace(predictor=3)
        assert answer(floats) == "unsupported-variant"
