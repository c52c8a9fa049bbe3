"""Pascal VOC: lists, pairs, every check, on a drawn tree and on the real scene."""

import dataclasses
import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_core import images
from fcn_core.datasets.bad_record import REASONS, STAGES, BadRecord, MissingDatasetError
from fcn_core.datasets.listing import Entry
from fcn_core.datasets.pascal import drawn, voc
from fcn_core.datasets.pascal.pairs import PairMaker
from fcn_core.datasets.splits import shared_ids
from fcn_core.images import png
from fcn_core.labels import VOC_PALETTE, VOID
from tests.drawn import tiny_data
from tests.drawn.tiny_data import read

ID = "2007_000000"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tiny_data.voc_tree(tmp_path / "VOC2012")


def split_ids(tree: Path, split: str = "train") -> tuple[str, ...]:
    return voc.split_ids(str(tree), split, read).ids


def test_a_pair_becomes_a_record_that_holds_its_files_exactly(tree: Path) -> None:
    for source_id in split_ids(tree) + split_ids(tree, "val"):
        record = tiny_data.load_pair(tree, source_id)
        label = Image.open(tree / voc.label_path(source_id))
        assert record.encoded == read(str(tree / voc.image_path(source_id)))
        grey = Image.open(io.BytesIO(record.label))
        assert grey.mode == "L"
        assert np.array_equal(np.asarray(grey), np.asarray(label))
        present = set(np.unique(np.asarray(label)).tolist()) - {0, VOID}
        assert record.classes == tuple(sorted(present)) and present
        assert (record.height, record.width) == label.size[::-1]
        assert (record.format, record.channels, record.orientation) == ("jpeg", 3, 1)
        assert record.filename == f"{source_id}.jpg"
        assert type(record).parse(record.encode()) == record


def test_lists_are_read_in_their_order(tree: Path) -> None:
    drawn.write_list(tree, "train", ["2007_000002", "2007_000000"])
    assert split_ids(tree) == ("2007_000002", "2007_000000")


@pytest.mark.parametrize(
    "text",
    [
        b"2007_000000\r\n2007_000001\r\n",
        b"\xef\xbb\xbf2007_000000\n2007_000001",
        b"\n2007_000000  \n\n  2007_000001\t\n\n",
    ],
)
def test_list_files_of_any_editor_are_read(tree: Path, text: bytes) -> None:
    (tree / voc.list_path("train")).write_bytes(text)
    ids = voc.split_ids(str(tree), "train", read)
    assert ids.ids == ("2007_000000", "2007_000001")
    assert ids.rejected == ()


def test_bad_lines_and_repeated_ids_are_counted_not_dropped(tree: Path) -> None:
    lines = b"2007_000000\n2007_1\n../../etc\n2007_000000\n\xff\xfe\n2007_000001.jpg\n"
    (tree / voc.list_path("train")).write_bytes(lines)
    ids = voc.split_ids(str(tree), "train", read)
    assert ids.ids == (ID,)
    assert ids.read == 6
    reasons = [(bad.reason, bad.stage, bad.source_id) for bad in ids.rejected]
    assert reasons == [
        ("bad-list-line", "list", ""),
        ("bad-list-line", "list", ""),
        ("duplicate-id", "list", ID),
        ("bad-list-line", "list", ""),
        ("bad-list-line", "list", ""),
    ]
    assert "line 2" in ids.rejected[0].detail


def test_trainval_is_its_own_list_or_the_union(tree: Path) -> None:
    union = (*split_ids(tree, "train"), *split_ids(tree, "val"))
    assert split_ids(tree, "trainval") == union
    (tree / voc.list_path("trainval")).unlink()
    assert split_ids(tree, "trainval") == union


def test_splits_present(tree: Path) -> None:
    root = str(tree)
    assert voc.splits_present(root, read) == ("train", "val")
    (tree / voc.list_path("val")).unlink()
    assert voc.splits_present(root, read) == ("train",)
    (tree / voc.list_path("train")).unlink()
    assert voc.splits_present(root, read) == ("trainval",)
    (tree / voc.list_path("trainval")).unlink()
    with pytest.raises(MissingDatasetError, match="VOCtrainval"):
        voc.splits_present(root, read)


def test_a_missing_list_names_the_archive(tree: Path) -> None:
    with pytest.raises(MissingDatasetError, match=r"got no .*test\.txt.*sha1"):
        voc.split_ids(str(tree), "test", read)


def test_ids_of_two_splits_are_found(tree: Path) -> None:
    drawn.write_list(tree, "val", [ID, "2007_000009"])
    lists = {name: split_ids(tree, name) for name in ("train", "val")}
    assert shared_ids(lists) == {("train", "val"): (ID,)}


@pytest.mark.parametrize("reason", tiny_data.DAMAGES)
def test_each_damage_has_its_reason(tree: Path, reason: str) -> None:
    tiny_data.load_pair(tree, ID)
    tiny_data.damage(tree, ID, reason)
    with pytest.raises(BadRecord) as caught:
        tiny_data.load_pair(tree, ID)
    bad = caught.value
    assert bad.reason == reason
    assert bad.reason in REASONS | images.REASONS
    assert bad.stage in STAGES
    assert bad.source_id == ID
    assert bad.path in (voc.image_path(ID), voc.label_path(ID))
    assert str(tree) not in bad.detail
    again = pickle.loads(pickle.dumps(bad))
    assert vars(again) == vars(bad) and str(again) == str(bad)


def test_own_reasons_and_the_photos_do_not_overlap() -> None:
    assert not REASONS & images.REASONS


@pytest.mark.parametrize("cut", [0.5, 0.9, 0.99])
def test_a_cut_photo_is_found_however_short_the_cut(tree: Path, cut: float) -> None:
    photo = tree / voc.image_path(ID)
    data = photo.read_bytes()
    photo.write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(BadRecord, match=voc.image_path(ID)):
        tiny_data.load_pair(tree, ID)


def test_every_flipped_bit_of_a_label_is_found_or_harmless(tree: Path) -> None:
    photo = read(str(tree / voc.image_path(ID)))
    label = read(str(tree / voc.label_path(ID)))
    maker, entry = PairMaker(), Entry(ID, "voc")
    whole = maker.make(entry, (photo, label))
    for position in range(0, len(label), 7):
        damaged = bytearray(label)
        damaged[position] ^= 0x40
        with pytest.raises(BadRecord, match="label"):
            maker.make(entry, (photo, bytes(damaged)))
    assert maker.make(entry, (photo, label)) == whole


def test_a_grey_photo_and_a_png_named_jpg_are_kept_as_they_are(tree: Path) -> None:
    scene = drawn.draw_scene(1, height=37, width=50)
    drawn.write_pair(tree, ID, scene)
    photo = tree / voc.image_path(ID)
    for data, described in (
        (tiny_data.jpeg(scene.pixels[:, :, 0]), ("jpeg", 1)),
        (tiny_data.png(scene.pixels), ("png", 3)),
    ):
        photo.write_bytes(data)
        record = tiny_data.load_pair(tree, ID)
        assert record.encoded == data
        assert (record.format, record.channels) == described


def test_a_grey_label_counts_as_class_ids(tree: Path) -> None:
    expected = tiny_data.load_pair(tree, ID)
    label = tree / voc.label_path(ID)
    class_map = images.decode_mask(label.read_bytes())
    label.write_bytes(tiny_data.png(class_map))
    record = tiny_data.load_pair(tree, ID)
    assert np.array_equal(images.decode_mask(record.label), class_map)
    assert dataclasses.replace(record, label=expected.label) == expected


def test_a_labels_pixels_are_not_compressed_anew(tree: Path) -> None:
    label = read(str(tree / voc.label_path(ID)))
    record = tiny_data.load_pair(tree, ID)
    chunks = dict(png.png_chunks(label))
    assert dict(png.png_chunks(record.label)) == {
        b"IHDR": chunks[b"IHDR"][:9] + b"\0" + chunks[b"IHDR"][10:],
        b"IDAT": chunks[b"IDAT"],
        b"IEND": b"",
    }


def test_a_labels_transparency_is_left_out(tree: Path) -> None:
    label = tree / voc.label_path(ID)
    expected = images.decode_mask(label.read_bytes())
    image = Image.open(label)
    image.save(label, bits=8, transparency=0, compress_level=0)
    record = tiny_data.load_pair(tree, ID)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(record.label))), expected)
    assert {kind for kind, _ in png.png_chunks(record.label)} == {
        b"IHDR",
        b"IDAT",
        b"IEND",
    }


def test_a_short_palette_will_do_if_it_covers_the_ids(tree: Path) -> None:
    class_map = np.zeros((37, 50), np.uint8)
    class_map[5:9, 5:20] = 3
    label = tree / voc.label_path(ID)
    label.write_bytes(tiny_data.palette_png(class_map, VOC_PALETTE[:200]))
    assert png.read_png_header(label.read_bytes()).bits == 8
    assert tiny_data.load_pair(tree, ID).classes == (3,)


def test_all_background_is_a_record_and_has_no_classes(tree: Path) -> None:
    label = tree / voc.label_path(ID)
    label.write_bytes(images.encode_mask(np.zeros((37, 50), np.uint8)))
    assert tiny_data.load_pair(tree, ID).classes == ()


def test_a_photo_without_alpha_is_required(tree: Path) -> None:
    scene = drawn.draw_scene(1, height=37, width=50)
    rgba = np.dstack([scene.pixels, scene.class_map])
    (tree / voc.image_path(ID)).write_bytes(tiny_data.png(rgba))
    with pytest.raises(BadRecord, match="4 components"):
        tiny_data.load_pair(tree, ID)


def test_drawn_scenes_repeat_and_have_a_void_rim() -> None:
    scene = drawn.draw_scene(3, height=60, width=81, classes=[7 - 1])
    two = drawn.draw_scene(3, height=60, width=81, classes=[6])
    assert np.array_equal(scene.pixels, two.pixels)
    assert set(np.unique(scene.class_map)) == {0, 6, VOID}
    inside = scene.class_map == 6
    touching = np.zeros_like(inside)
    touching[1:] |= scene.class_map[:-1] == 0
    touching[:-1] |= scene.class_map[1:] == 0
    assert not (inside & touching).any()
    other = drawn.draw_scene(4, height=60, width=81, classes=[6])
    assert not np.array_equal(scene.class_map, other.class_map)


def test_every_drawn_class_is_there() -> None:
    for class_id in drawn.DRAWN_CLASSES:
        scene = drawn.draw_scene(0, height=96, width=128, classes=[class_id])
        share = (scene.class_map == class_id).mean()
        assert 0.02 < share < 0.6, class_id


@pytest.mark.skipif(
    "FCN_VOC_ROOT" not in os.environ,
    reason="FCN_VOC_ROOT (VOCdevkit/VOC2012) is not set",
)
def test_every_real_pair_keeps_its_photo_and_its_palette_indices() -> None:
    root = os.environ["FCN_VOC_ROOT"]
    ids = voc.split_ids(root, "trainval", read)
    assert ids.ids and not ids.rejected
    for source_id in ids.ids:
        record = tiny_data.load_pair(root, source_id)
        assert record.encoded == read(f"{root}/{voc.image_path(source_id)}")
        indices = np.asarray(Image.open(f"{root}/{voc.label_path(source_id)}"))
        grey = Image.open(io.BytesIO(record.label))
        assert grey.mode == "L"
        assert np.array_equal(np.asarray(grey), indices)
        parsed = type(record).parse(record.encode())
        assert dataclasses.astuple(parsed) == dataclasses.astuple(record)


@pytest.mark.parametrize("suffix", [".jpeg", ".JPG", ".JPEG", ".png", ".PNG"])
def test_photos_of_other_suffixes_are_read(tree: Path, suffix: str) -> None:
    usual = tree / voc.image_path(ID)
    data = usual.read_bytes()
    before = tiny_data.load_pair(tree, ID)
    usual.rename(usual.with_suffix(suffix))
    assert tiny_data.load_pair(tree, ID) == before
    usual.write_bytes(b"the usual name counts")
    with pytest.raises(BadRecord, match="not-an-image"):
        tiny_data.load_pair(tree, ID)
    usual.write_bytes(data)
    assert tiny_data.load_pair(tree, ID) == before
