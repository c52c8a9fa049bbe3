"""Which pixels a network sees that samples windows, and which cells stand for them."""

import keras
import numpy as np
import pytest

from fcn_core.geometry import valid_cells
from fcn_core.models.build import build
from fcn_core.models.sampled_windows import BLOCK, WINDOW, CellsOf, SampledWindows
from fcn_core.models.spec import ModelSpec
from tests.drawn.tiny_networks import draw_floats, scramble, tiny

SPEC = tiny("rating_sampled mobilenet_v2")


def test_windows_are_the_top_left_quarters_of_their_blocks() -> None:
    photo = np.random.default_rng(0).random((2, 384, 256, 3), np.float32)
    windows = np.asarray(SampledWindows()(photo))
    assert windows.shape == (2, 192, 128, 3)
    for row in range(3):
        for column in range(2):
            top, left = BLOCK * row, BLOCK * column
            block = photo[:, top : top + WINDOW, left : left + WINDOW]
            top, left = WINDOW * row, WINDOW * column
            window = windows[:, top : top + WINDOW, left : left + WINDOW]
            assert np.array_equal(window, block)


def test_sides_are_rounded_up_with_grey() -> None:
    windows = np.asarray(SampledWindows()(np.ones((1, 150, 30, 3), np.float32)))
    expected = np.full((1, 128, 64, 3), 127.0)
    expected[:, :64, :30] = expected[:, 64 : 64 + 22, :30] = 1
    assert np.array_equal(windows, expected)


@pytest.mark.parametrize("size", [(1, 1), (33, 47), (129, 500)])
def test_there_is_a_cell_for_every_32_pixels_of_any_size(size: tuple[int, int]) -> None:
    model = build(SPEC)
    assert model.output_shape == (None, None, None, 3)
    shape = tuple(model(np.zeros((1, *size, 3), np.float32)).shape)
    assert shape == (1, -(-size[0] // 32), -(-size[1] // 32), 3)
    assert (SPEC.logits_stride, SPEC.size_multiple) == (32, 128)


def test_pixels_between_windows_have_no_influence() -> None:
    model = scramble(build(SPEC))
    photo = draw_floats(256, 256)
    before = np.asarray(model(photo))
    seen = np.zeros((256, 256), bool)
    for top in (0, BLOCK):
        for left in (0, BLOCK):
            seen[top : top + WINDOW, left : left + WINDOW] = True
    assert np.array_equal(model(np.where(seen[..., None], photo, 0)), before)
    assert not np.allclose(model(np.where(seen[..., None], 0, photo)), before)


def test_counted_cells_show_the_photo_and_no_padding() -> None:
    """Of the pixels that a counted cell stands for at most its first cell is cut."""
    for length in range(1, 400):
        (rows, _), *_ = valid_cells(
            np.array([[length, 1]]), stride=SPEC.logits_stride, alignment=SPEC.alignment
        )
        cells = np.arange(rows)
        ends = BLOCK * (cells // 4) + 16 * (cells % 4) + 16
        cut = cells[ends > length]
        assert not np.any(cut % 4), length


def test_layers_are_built_again_from_their_numbers() -> None:
    assert CellsOf.from_config(CellsOf(32).get_config()).stride == 32
    model = build(SPEC)
    copy = keras.Model.from_config(model.get_config())
    assert copy.output_shape == model.output_shape


def test_weights_of_a_rating_network_fit() -> None:
    sampled, whole = build(SPEC), build(tiny("rating mobilenet_v2"))
    for layer in whole.layers:
        if layer.weights:
            sampled.get_layer(layer.name).set_weights(layer.get_weights())
    photo = draw_floats(128, 128)
    windows = photo[:, :WINDOW, :WINDOW]
    np.testing.assert_allclose(sampled(photo), whole(windows), atol=1e-5)


def test_it_rates_photos_only() -> None:
    with pytest.raises(ValueError, match="rating_sampled"):
        ModelSpec(name="rating_sampled")
