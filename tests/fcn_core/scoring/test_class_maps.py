import os
import tracemalloc
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fcn_core import geometry
from fcn_core.geometry import Placement, Size
from fcn_core.scoring import class_maps

GAP = 1e-5
"""Where the two best classes are nearer, rounding may decide."""

ALIGNMENTS: tuple[geometry.Alignment, ...] = ("corner", "center")


def draw_logits(h: int, w: int, classes: int, *, smooth: bool) -> NDArray[np.float32]:
    """Noise, or blobs such as a network returns for a photo."""
    rng = np.random.default_rng([h, w, classes])
    z = rng.normal(scale=4, size=(h, w, classes))
    for _ in range(3 if smooth else 0):
        z = z + np.roll(z, 1, 0) + np.roll(z, 1, 1) + np.roll(z, -1, 0)
    return z.astype(np.float32)


def place(original: Size, stride: int, *, max_side: int | None = None) -> Placement:
    return geometry.place(original, max_side=max_side, multiple=2 * stride)


def tensorflow_upsampling(
    logits: NDArray[np.float32], stride: int, alignment: str
) -> NDArray[np.float32]:
    """TensorFlow's own resize, `[h, w, C]` -> `[h * stride, w * stride, C]`."""
    import tensorflow as tf

    h, w, _ = logits.shape
    if alignment == "center":
        size = (h * stride, w * stride)
        return tf.image.resize(logits[None], size, "bilinear").numpy()[0]
    repeated = np.pad(logits, ((0, 1), (0, 1), (0, 0)), mode="edge")
    size = (h * stride + 1, w * stride + 1)
    resized = tf.compat.v1.image.resize_bilinear(
        repeated[None], size, align_corners=True
    )
    return resized.numpy()[0, :-1, :-1]


def dense_bilinear(
    logits: NDArray[np.float32], placement: Placement, stride: int, alignment: str
) -> NDArray[np.float64]:
    """Every class at every original pixel in float64, straight from the definition."""

    def axis(
        original: int, fitted: int, cells: int
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        pixel = (np.arange(original) + 0.5) * fitted / original - 0.5
        if alignment == "center":
            pixel -= (stride - 1) / 2
        position = np.clip(pixel / stride, 0, cells - 1)
        first = np.floor(position).astype(np.intp)
        return first, np.minimum(first + 1, cells - 1), position - first

    z = logits.astype(np.float64)
    top, bottom, y = axis(placement.original[0], placement.fitted[0], z.shape[0])
    left, right, x = axis(placement.original[1], placement.fitted[1], z.shape[1])
    y, x = y[:, None, None], x[None, :, None]
    rows = z[top] * (1 - y) + z[bottom] * y
    return rows[:, left] * (1 - x) + rows[:, right] * x


def assert_same_classes(class_map: NDArray[np.uint8], dense: NDArray) -> None:
    two_best = np.sort(dense, axis=-1)[..., -2:]
    decided = two_best[..., 1] - two_best[..., 0] >= GAP
    assert decided.mean() > 0.99
    np.testing.assert_array_equal(class_map[decided], dense.argmax(-1)[decided])


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("alignment", ALIGNMENTS)
@pytest.mark.parametrize(
    ("size", "stride"),
    [
        ((64, 96), 8),
        ((33, 47), 8),
        ((1, 1), 8),
        ((5, 61), 4),
        ((75, 50), 16),
        ((31, 40), 3),
        ((9, 14), 1),
    ],
)
def test_equals_tensorflow_resize_and_argmax(
    size: tuple[int, int],
    stride: int,
    alignment: geometry.Alignment,
    smooth: bool,
) -> None:
    placement = place(Size(*size), stride)
    h, w = (side // stride for side in placement.padded)
    logits = draw_logits(h, w, 21, smooth=smooth)
    found = class_maps.class_map(logits, placement, stride=stride, alignment=alignment)
    dense = tensorflow_upsampling(logits, stride, alignment)[: size[0], : size[1]]
    assert found.shape == size
    assert found.dtype == np.uint8
    assert_same_classes(found, dense)


@pytest.mark.parametrize("alignment", ALIGNMENTS)
@pytest.mark.parametrize(
    ("size", "max_side"),
    [((200, 131), 80), ((131, 200), 81), ((640, 3), 64), ((97, 97), 96)],
)
def test_shrunk_photo_equals_dense_evaluation(
    size: tuple[int, int], max_side: int, alignment: geometry.Alignment
) -> None:
    placement = place(Size(*size), 8, max_side=max_side)
    assert placement.fitted != placement.original
    h, w = (side // 8 for side in placement.padded)
    logits = draw_logits(h, w, 7, smooth=True)
    found = class_maps.class_map(logits, placement, stride=8, alignment=alignment)
    assert found.shape == size
    assert_same_classes(found, dense_bilinear(logits, placement, 8, alignment))


@pytest.mark.parametrize("alignment", ALIGNMENTS)
@pytest.mark.parametrize("enlarge", [1.25, 3.0])
def test_enlarged_photo_equals_dense_evaluation(
    enlarge: float, alignment: geometry.Alignment
) -> None:
    placement = geometry.place((75, 101), max_side=None, multiple=16, enlarge=enlarge)
    assert placement.fitted > placement.original
    h, w = (side // 8 for side in placement.padded)
    logits = draw_logits(h, w, 7, smooth=True)
    found = class_maps.class_map(logits, placement, stride=8, alignment=alignment)
    assert found.shape == (75, 101)
    assert_same_classes(found, dense_bilinear(logits, placement, 8, alignment))


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_more_border_cells_than_are_interpolated_at_once(
    alignment: geometry.Alignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_maps, "_CELLS_AT_ONCE", 7)
    placement = place(Size(90, 70), 8)
    logits = draw_logits(12, 10, 6, smooth=False)
    found = class_maps.class_map(logits, placement, stride=8, alignment=alignment)
    assert_same_classes(found, dense_bilinear(logits, placement, 8, alignment))


@pytest.mark.parametrize("max_side", [None, 40])
@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_plateaus_of_equal_logits(
    alignment: geometry.Alignment, max_side: int | None
) -> None:
    # A class that is constant over a cell is exactly the others' bar to reach.
    placement = place(Size(90, 70), 8, max_side=max_side)
    h, w = (side // 8 for side in placement.padded)
    logits = draw_logits(h, w, 4, smooth=False).round()
    logits += np.array([0, 0.2, 0.4, 0], np.float32)
    logits[..., 3] = 3.6
    found = class_maps.class_map(logits, placement, stride=8, alignment=alignment)
    dense = dense_bilinear(logits, placement, 8, alignment)
    assert (found == 3).mean() > 0.1
    two_best = np.sort(dense, axis=-1)[..., -2:]
    decided = two_best[..., 1] - two_best[..., 0] >= GAP
    np.testing.assert_array_equal(found[decided], dense.argmax(-1)[decided])


@pytest.mark.parametrize("max_side", [None, 32])
@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_of_equal_logits_the_lowest_class_wins(
    alignment: geometry.Alignment, max_side: int | None
) -> None:
    placement = place(Size(48, 40), 8, max_side=max_side)
    h, w = (side // 8 for side in placement.padded)
    first = draw_logits(h, w, 3, smooth=False)
    twice = np.concatenate([first, first], axis=-1)
    found = class_maps.class_map(twice, placement, stride=8, alignment=alignment)
    assert found.max() <= 2
    once = class_maps.class_map(first, placement, stride=8, alignment=alignment)
    np.testing.assert_array_equal(found, once)


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_logit_owns_the_pixel_it_sits_on(alignment: geometry.Alignment) -> None:
    # One logit of class 1 among class 0: its pixels lie around the pixel it sits on.
    logits = np.zeros((8, 8, 2), np.float32)
    logits[..., 0] = 1
    logits[3, 5] = (0, 1)
    placement = place(Size(64, 64), 8)
    found = class_maps.class_map(logits, placement, stride=8, alignment=alignment)
    rows, columns = np.nonzero(found)
    offset = 0 if alignment == "corner" else 3.5
    assert (rows.mean(), columns.mean()) == (3 * 8 + offset, 5 * 8 + offset)


def test_a_large_photo_needs_little_more_than_its_map() -> None:
    placement = place(Size(3000, 4000), 8, max_side=512)
    h, w = (side // 8 for side in placement.padded)
    logits = draw_logits(h, w, 21, smooth=True)
    tracemalloc.start()
    found = class_maps.class_map(logits, placement, stride=8, alignment="corner")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < found.nbytes + 20e6


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_real_logits_equal_tensorflow(alignment: geometry.Alignment) -> None:
    from fcn_core import images
    from fcn_core.bundles import find
    from fcn_core.bundles.card import ModelCard
    from fcn_core.scoring import engines

    root = os.environ.get("FCN_VOC_ROOT")
    if root is None:
        pytest.skip("FCN_VOC_ROOT is not set: no real photos")
    if "voc21" not in find.built_in_names():
        pytest.skip("the built-in model voc21 is not there yet")
    bundle = find.find_bundle("voc21")
    card = ModelCard.read(bundle)
    engine = engines.OpenVINOEngine(bundle, precision="f32")
    for path in sorted(Path(root, "JPEGImages").glob("*.jpg"))[:10]:
        pixels = images.decode(path.read_bytes()).pixels
        size = Size(*pixels.shape[:2])
        placement = geometry.place(size, max_side=None, multiple=128)
        padded = images.pad(pixels, placement.padded, card.padding_value)
        logits = engine.logits(padded[None])[0]
        stride = card.logits_stride
        found = class_maps.class_map(
            logits, placement, stride=stride, alignment=alignment
        )
        dense = tensorflow_upsampling(logits, stride, alignment)
        assert_same_classes(found, dense[: size.height, : size.width])


def test_refuses_logits_that_do_not_fit() -> None:
    placement = place(Size(64, 64), 8)
    for shape, message in (
        ((4, 8, 3), "do not cover"),
        ((8, 8, 256), "1..255"),
        ((8, 8), "expected"),
    ):
        with pytest.raises(ValueError, match=message):
            class_maps.class_map(
                np.zeros(shape, np.float32), placement, stride=8, alignment="corner"
            )
    with pytest.raises(ValueError, match="'corner' or 'center'"):
        class_maps.class_map(
            np.zeros((8, 8, 3), np.float32),
            placement,
            stride=8,
            alignment="middle",  # type: ignore[arg-type]
        )


def test_result_does_not_depend_on_the_memory_layout() -> None:
    placement = place(Size(64, 64), 8)
    logits = draw_logits(8, 8, 5, smooth=False)
    for alignment, order in product(ALIGNMENTS, "CF"):
        again = np.array(logits, order=order)  # type: ignore[call-overload]
        np.testing.assert_array_equal(
            class_maps.class_map(again, placement, stride=8, alignment=alignment),
            class_maps.class_map(logits, placement, stride=8, alignment=alignment),
        )
