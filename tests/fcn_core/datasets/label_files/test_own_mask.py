"""A user's masks: values and colours to class ids."""

import numpy as np
import pytest

from fcn_core import images
from fcn_core.datasets.bad_record import BadRecord
from fcn_core.datasets.label_files.label_map import LabelMap, parse_label_map
from fcn_core.datasets.label_files.own_mask import read_mask
from fcn_core.labels import VOC_PALETTE
from tests.drawn import tiny_data
from tests.drawn.tiny_masks import COLOURS, INDICES, SHAPE, YAML, coloured


def read(
    data: bytes, label_map: LabelMap | None, shape: tuple[int, int] = SHAPE
) -> tuple[np.ndarray, tuple[int, ...]]:
    return read_mask(
        data, height=shape[0], width=shape[1], label_map=label_map, path="m.png"
    )


def refused(data: bytes, label_map: LabelMap | None) -> BadRecord:
    with pytest.raises(BadRecord) as caught:
        read(data, label_map)
    assert (caught.value.stage, caught.value.path) == ("label", "m.png")
    return caught.value


def test_index_masks_keep_their_values() -> None:
    label_map = parse_label_map(YAML, name="map.yaml")
    for data in (tiny_data.png(INDICES), images.encode_mask(INDICES)):
        class_map, classes = read(data, None)
        assert np.array_equal(class_map, INDICES) and classes == (1, 2)
    class_map, classes = read(tiny_data.png(INDICES), label_map)
    assert np.array_equal(class_map, INDICES) and classes == (1, 2)


def test_values_are_renumbered_as_the_map_says() -> None:
    label_map = parse_label_map(b"{classes: {7: a, 11: b}, void: 0}", name="x.yaml")
    mask = np.array([[7, 11, 0, 7]], np.uint8)
    class_map, classes = read(tiny_data.png(mask), label_map, (1, 4))
    assert class_map.tolist() == [[0, 1, 255, 0]] and classes == (1,)


def test_colours_become_classes() -> None:
    label_map = parse_label_map(YAML, name="map.yaml")
    rgb = coloured(INDICES)
    opaque = np.dstack([rgb, np.full(SHAPE, 255, np.uint8)])
    for pixels in (rgb, opaque):
        class_map, classes = read(tiny_data.png(pixels), label_map)
        assert np.array_equal(class_map, INDICES) and classes == (1, 2)


def test_a_palette_mask_goes_by_its_colours_however_numbered() -> None:
    label_map = parse_label_map(YAML, name="map.yaml")
    palette = np.zeros((256, 3), np.uint8)
    numbered = {0: 5, 1: 0, 2: 1, 255: 2}
    shuffled = np.zeros(SHAPE, np.uint8)
    for value, index in numbered.items():
        palette[index] = COLOURS[value]
        shuffled[value == INDICES] = index
    class_map, _ = read(tiny_data.palette_png(shuffled, palette), label_map)
    assert np.array_equal(class_map, INDICES)
    assert refused(images.encode_mask(INDICES), label_map).reason == "label-colour"


def test_a_mask_of_few_bits_is_read() -> None:
    small = np.where(INDICES == 255, 3, INDICES).astype(np.uint8)
    data = tiny_data.palette_png(small, VOC_PALETTE[:4])
    assert data[24] < 8
    assert np.array_equal(read(data, None)[0], small)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (tiny_data.png(coloured(INDICES)), "label-rgb"),
        (tiny_data.png(INDICES.T.copy()), "label-size-swapped"),
        (tiny_data.png(INDICES[1:]), "label-size"),
        (tiny_data.png(INDICES.astype(np.uint16)), "label-format"),
        (tiny_data.jpeg(INDICES), "label-format"),
        (tiny_data.png(INDICES)[:-30], "label-corrupt"),
        (tiny_data.png(np.full(SHAPE, 255, np.uint8)), "all-void"),
    ],
)
def test_each_damaged_mask_has_its_reason(data: bytes, reason: str) -> None:
    assert refused(data, None).reason == reason


def test_values_and_colours_without_a_name_are_refused() -> None:
    label_map = parse_label_map(YAML, name="map.yaml")
    strange = INDICES.copy()
    strange[9, 9] = 3
    bad = refused(tiny_data.png(strange), label_map)
    assert bad.reason == "label-value" and "values 3," in bad.detail
    rgb = coloured(INDICES)
    rgb[9, 9] = (1, 2, 3)
    bad = refused(tiny_data.png(rgb), label_map)
    assert bad.reason == "label-colour" and "#010203" in bad.detail
    see_through = np.dstack([coloured(INDICES), np.full(SHAPE, 9, np.uint8)])
    assert refused(tiny_data.png(see_through), label_map).reason == "label-format"
