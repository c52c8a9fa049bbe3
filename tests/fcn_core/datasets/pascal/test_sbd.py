"""SBD: its MATLAB labels, the void rim, its lists, on drawn trees and a real label."""

import io
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.io import loadmat, savemat

from fcn_core import images
from fcn_core.datasets.bad_record import BadRecord, MissingDatasetError
from fcn_core.datasets.label_files.mat import dilate, read_label_mat
from fcn_core.datasets.pascal import drawn, sbd
from fcn_core.labels import VOID
from tests.drawn import tiny_data, tiny_sbd
from tests.drawn.tiny_data import read

ID = "2008_000002"
SCENE = drawn.draw_scene(7, height=37, width=50)
LABEL = tiny_sbd.hard_edges(SCENE.class_map)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "dataset"
    return tiny_sbd.sbd_tree(root, train=[ID, "2008_000008"], val=["2008_000003"])


def test_a_pair_becomes_a_record_that_holds_photo_and_classes(tree: Path) -> None:
    record = tiny_data.load_pair(tree, ID, source="sbd")
    assert record.encoded == read(str(tree / sbd.image_path(ID)))
    struct = loadmat(tree / sbd.label_path(ID))["GTcls"][0, 0]
    assert np.array_equal(images.decode_mask(record.label), struct["Segmentation"])
    assert record.classes == tuple(struct["CategoriesPresent"].ravel().tolist())
    assert (record.source, record.filename) == ("sbd", f"{ID}.jpg")
    assert type(record).parse(record.encode()) == record


def test_a_label_without_void_stays_without() -> None:
    class_map, classes = read_label_mat(
        tiny_sbd.mat(LABEL), height=37, width=50, num_classes=21, path="x"
    )
    assert np.array_equal(class_map, LABEL) and VOID not in class_map
    assert classes == tuple(v for v in np.unique(LABEL).tolist() if v)


@pytest.mark.parametrize("rim", [1, 2, 5])
def test_the_rim_is_what_lies_near_a_boundary(rim: int) -> None:
    class_map, _ = read_label_mat(
        tiny_sbd.mat(LABEL), height=37, width=50, num_classes=21, path="x", void_rim=rim
    )
    cells = tiny_sbd.boundaries(LABEL).ravel()
    outline = np.logical_or.reduce([cell.toarray() != 0 for cell in cells])
    near = ndimage.binary_dilation(outline, np.ones((3, 3)), iterations=rim)
    assert np.array_equal(class_map, np.where(near, VOID, LABEL))


def test_dilation_agrees_with_scipys_at_every_border() -> None:
    random = np.random.default_rng(3)
    for shape in ((1, 1), (1, 9), (7, 3), (20, 31)):
        mask = random.random(shape) < 0.1
        for distance in (1, 3, 40):
            expected = ndimage.binary_dilation(
                mask, np.ones((3, 3)), iterations=distance
            )
            assert np.array_equal(dilate(mask, distance), expected)


def test_a_rim_over_everything_is_refused() -> None:
    with pytest.raises(BadRecord) as caught:
        read_label_mat(
            tiny_sbd.mat(LABEL),
            height=37,
            width=50,
            num_classes=21,
            path="x",
            void_rim=50,
        )
    assert caught.value.reason == "all-void"


def test_a_class_that_the_rim_swallows_is_not_listed() -> None:
    label = np.zeros((37, 50), np.uint8)
    label[5:8, 5:8], label[10:30, 10:40] = 3, 9
    _, classes = read_label_mat(
        tiny_sbd.mat(label), height=37, width=50, num_classes=21, path="x", void_rim=2
    )
    assert classes == (9,)


@pytest.mark.parametrize("damage", tiny_sbd.LABEL_DAMAGE)
def test_each_damage_has_its_reason(damage: str) -> None:
    reason, make = tiny_sbd.LABEL_DAMAGE[damage]
    with pytest.raises(BadRecord) as caught:
        read_label_mat(make(LABEL), height=37, width=50, num_classes=21, path="cls/x")
    bad = caught.value
    assert (bad.reason, bad.stage, bad.path) == (reason, "label", "cls/x")


def test_a_label_that_would_fill_the_memory_is_not_inflated() -> None:
    data = tiny_sbd.bomb(1 << 30)
    assert len(data) < 2 << 20
    tracemalloc.start()
    with pytest.raises(BadRecord, match="label-too-large"):
        read_label_mat(data, height=37, width=50, num_classes=21, path="x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 << 20


def test_every_flipped_byte_is_refused_or_harmless() -> None:
    whole = tiny_sbd.mat(LABEL)
    expected, _ = read_label_mat(whole, height=37, width=50, num_classes=21, path="x")
    for position in range(124, len(whole), 5):
        damaged = bytearray(whole)
        damaged[position] ^= 0x40
        try:
            class_map, _ = read_label_mat(
                bytes(damaged), height=37, width=50, num_classes=21, path="x"
            )
        except BadRecord:
            continue
        assert np.array_equal(class_map, expected), position


def test_an_uncompressed_file_is_read() -> None:
    file = io.BytesIO()
    fields = {
        "Boundaries": tiny_sbd.boundaries(LABEL),
        "Segmentation": LABEL,
        "CategoriesPresent": np.array([[v] for v in np.unique(LABEL) if v], np.uint8),
    }
    savemat(file, {"GTcls": fields}, do_compression=False)
    class_map, _ = read_label_mat(
        file.getvalue(), height=37, width=50, num_classes=21, path="x"
    )
    assert np.array_equal(class_map, LABEL)


def test_lists_are_found_and_missing_ones_name_the_archive(tree: Path) -> None:
    assert sbd.splits_present(str(tree), read) == ("train", "val")
    split = sbd.list_split(str(tree), "train", read)
    assert split.ids == (ID, "2008_000008")
    assert (split.notes, split.published) == (("sbd", "sbd"), 8498)
    (tree / "val.txt").unlink()
    assert sbd.splits_present(str(tree), read) == ("train",)
    with pytest.raises(MissingDatasetError, match=r"val\.txt.*benchmark\.tgz \(md5"):
        sbd.list_split(str(tree), "val", read)


def test_a_photo_may_come_from_vocs_tree(tree: Path, tmp_path: Path) -> None:
    scene = drawn.draw_scene(100, height=37, width=50)
    drawn.write_pair(tree, ID, scene)
    (tree / sbd.image_path(ID)).unlink()
    record = tiny_data.load_pair(tree, ID, source="sbd")
    assert record.encoded == read(str(tree / "JPEGImages" / f"{ID}.jpg"))
    (tree / "JPEGImages" / f"{ID}.jpg").unlink()
    with pytest.raises(BadRecord, match="missing-image") as caught:
        tiny_data.load_pair(tree, ID, source="sbd")
    assert caught.value.path == sbd.image_path(ID)


@pytest.mark.skipif(
    "FCN_SBD_ROOT" not in os.environ,
    reason="FCN_SBD_ROOT (a folder with rider.mat and rider.jpg) is not set",
)
def test_the_real_label_has_its_three_values() -> None:
    root = Path(os.environ["FCN_SBD_ROOT"])
    data = (root / "rider.mat").read_bytes()
    photo = images.decode((root / "rider.jpg").read_bytes())
    size = {"height": photo.height, "width": photo.width}
    class_map, classes = read_label_mat(data, **size, num_classes=21, path="x")
    assert (photo.height, photo.width) == (333, 500)
    assert np.unique(class_map).tolist() == [0, 13, 15] and classes == (13, 15)
    rim, _ = read_label_mat(data, **size, num_classes=21, path="x", void_rim=2)
    assert np.unique(rim).tolist() == [0, 13, 15, VOID]
    again = tiny_sbd.mat(class_map)
    drawn_struct = loadmat_struct(again)
    real_struct = loadmat_struct(data)
    assert describe(drawn_struct) == describe(real_struct)
    redrawn, _ = read_label_mat(again, **size, num_classes=21, path="x")
    assert np.array_equal(redrawn, class_map)


def loadmat_struct(data: bytes) -> np.ndarray:
    return loadmat(io.BytesIO(data))["GTcls"]


def describe(struct: np.ndarray) -> list[object]:
    """Returns what a reader of the file relies on."""
    fields = struct[0, 0]
    cells = fields["Boundaries"]
    first = cells[0, 0]
    return [
        struct.shape,
        struct.dtype.names,
        cells.shape,
        type(first).__name__,
        first.dtype,
        first.shape,
        fields["Segmentation"].dtype,
        fields["Segmentation"].shape,
        fields["CategoriesPresent"].dtype,
        fields["CategoriesPresent"].shape,
    ]
