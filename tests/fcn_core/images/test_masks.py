import io

import numpy as np
import pytest
from PIL import Image

from fcn_core import images
from fcn_core.labels import VOC_PALETTE
from tests.drawn import image_parts


def class_map(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return ((rows // 7 * 5 + columns // 9 * 3) % 256).astype(np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (37, 53), (256, 256)])
def test_round_trip(size: tuple[int, int]) -> None:
    expected = class_map(*size)
    for encode in (images.encode_mask, images.encode_grey):
        decoded = images.decode_mask(encode(expected))
        np.testing.assert_array_equal(decoded, expected)
        assert decoded.dtype == np.uint8


def test_every_class_id_survives() -> None:
    rng = np.random.default_rng(5)
    expected = rng.permutation(np.arange(256 * 4) % 256).astype(np.uint8)
    expected = expected.reshape(32, 32)
    data = images.encode_mask(expected)
    np.testing.assert_array_equal(images.decode_mask(data), expected)


def test_a_mask_is_a_palette_png_in_vocs_colours_for_every_reader() -> None:
    expected = class_map(20, 30)
    with Image.open(io.BytesIO(images.encode_mask(expected))) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "P", (30, 20))
        assert image.getpalette() == VOC_PALETTE.reshape(-1).tolist()
        np.testing.assert_array_equal(np.asarray(image), expected)
        colours = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(colours, VOC_PALETTE[expected])


def test_a_grey_mask_is_a_grey_png() -> None:
    expected = class_map(20, 30)
    with Image.open(io.BytesIO(images.encode_grey(expected))) as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), expected)


def test_encoding_is_deterministic_and_takes_views() -> None:
    whole = class_map(40, 60)
    data = images.encode_mask(whole[::2, ::-1])
    assert data == images.encode_mask(whole[::2, ::-1].copy())


def test_encoding_is_small() -> None:
    # 800 of the bytes are the palette.
    assert len(images.encode_mask(class_map(375, 500))) < 10_000


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.int64),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((0, 4), np.uint8),
    ],
)
def test_encoding_refuses_other_arrays(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 \[H, W\]"):
        images.encode_mask(wrong)


def test_palette_masks_of_fewer_bits_keep_their_indices() -> None:
    indices = class_map(10, 12) % 4
    palette = image_parts.png_chunk(b"PLTE", bytes(range(12)))
    rows = image_parts.png_rows(indices, bits=2)
    data = image_parts.png(10, 12, rows, bits=2, colours=3, before=palette)
    np.testing.assert_array_equal(images.decode_mask(data), indices)


@pytest.mark.parametrize(("bits", "colours"), [(4, 0), (16, 0), (8, 2), (8, 4)])
def test_masks_that_hold_no_indices_are_refused(bits: int, colours: int) -> None:
    data = image_parts.png(4, 4, bytes(4 * 33), bits=bits, colours=colours)
    with pytest.raises(images.BadImage, match="class ids, not colours") as caught:
        images.decode_mask(data)
    assert caught.value.reason == "unsupported-variant"


def test_a_mask_must_be_a_png() -> None:
    with pytest.raises(images.BadImage, match="stored as BMP"):
        images.decode_mask(image_parts.bmp_header(4, 4) + bytes(64))


def test_damaged_masks_are_refused() -> None:
    data = bytearray(images.encode_mask(class_map(40, 60)))
    data[-30] ^= 4
    for damaged in (bytes(data), bytes(data[:-20])):
        with pytest.raises(images.BadImage) as caught:
            images.decode_mask(damaged)
        assert caught.value.reason == "corrupt"
