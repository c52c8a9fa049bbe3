"""One's own data: pairing, splits by hash, label maps, masks, tables of ratings."""

import json
import math
import re
import textwrap
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fcn_core import images
from fcn_core.datasets import makers
from fcn_core.datasets.bad_record import BadRecord, ListError
from fcn_core.datasets.label_files.label_map import LabelMap, parse_label_map
from fcn_core.datasets.label_files.own_mask import read_mask
from fcn_core.datasets.listing import Entry
from fcn_core.datasets.own import folder
from fcn_core.datasets.own.ratings_table import parse_ratings
from fcn_core.labels import VOC_PALETTE
from fcn_core.records.record import AestheticsRecord
from tests.drawn import tiny_data

SHAPE = (23, 31)
INDICES = np.random.default_rng(1).integers(0, 3, SHAPE).astype(np.uint8)
INDICES[:4] = 255
COLOURS = {0: (10, 20, 30), 1: (255, 0, 0), 2: (0, 0, 142), 255: (255, 255, 255)}
YAML = b"""
classes: [ground, road, car]
void: 255
colours: {ground: [10, 20, 30], road: "#ff0000", car: [0, 0, 142], void: "#ffffff"}
"""


def coloured(indices: np.ndarray) -> np.ndarray:
    rgb = np.zeros((*indices.shape, 3), np.uint8)
    for value, colour in COLOURS.items():
        rgb[indices == value] = colour
    return rgb


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


def test_photos_and_masks_are_paired_and_leftovers_told() -> None:
    photos = ["a.jpg", "b.png", "deep/c.d.jpg", "a.webp", "lonely.jpg"]
    masks = ["a.png", "b.png", "deep/c.d.png", "b.bmp", "orphan.png"]
    notes, rejected = folder.pair_masks(photos, masks)
    assert {one: json.loads(note) for one, note in notes.items()} == {
        "a": ["a.jpg", "a.png"],
        "b": ["b.png", "b.png"],
        "deep/c.d": ["deep/c.d.jpg", "deep/c.d.png"],
    }
    told = sorted((bad.reason, bad.path) for bad in rejected)
    assert told == [
        ("duplicate-id", "a.webp"),
        ("duplicate-id", "b.bmp"),
        ("missing-image", "orphan.png"),
        ("missing-label", "lonely.jpg"),
    ]


def test_splits_are_stable_and_have_their_shares() -> None:
    shares = {"train": Fraction("0.8"), "val": Fraction("0.2")}
    notes = {f"photo{n}": "" for n in range(4000)}
    splits = folder.deal(notes, [], shares)
    assert abs(len(splits["val"].ids) - 800) < 100
    fewer = folder.deal(dict(list(notes.items())[::3]), [], shares)
    assert set(fewer["val"].ids) <= set(splits["val"].ids)
    assert set(fewer["train"].ids) <= set(splits["train"].ids)
    assert folder.split_of("anything", {"all": Fraction(1)}) == "all"
    with pytest.raises(ValueError, match="add up"):
        for name in notes:
            folder.split_of(name, {"all": Fraction(1, 2)})


def test_a_rejected_photo_counts_for_the_split_it_would_be_in() -> None:
    shares = {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    bad = [
        BadRecord("missing-label", "", stage="list", source_id=f"p{n}")
        for n in range(50)
    ]
    splits = folder.deal({}, bad, shares)
    for name, split in splits.items():
        assert split.rejected
        assert {folder.split_of(one.source_id, shares) for one in split.rejected} == {
            name
        }


def test_a_label_map_in_yaml_and_in_json() -> None:
    parsed = parse_label_map(YAML, name="map.yaml")
    assert parsed.names == ("ground", "road", "car") and parsed.void == 255
    assert parsed.values == {0: 0, 1: 1, 2: 2, 255: 255}
    assert dict(parsed.colours) == {rgb: value for value, rgb in COLOURS.items()}
    as_json = json.dumps(
        {
            "classes": {"0": "ground", "1": "road", "2": "car"},
            "colors": {"ground": [10, 20, 30], "road": [255, 0, 0]},
        }
    )
    parsed = parse_label_map(as_json.encode(), name="map.json")
    assert parsed.names == ("ground", "road", "car")
    assert LabelMap.model_validate(parsed.model_dump(mode="json")) == parsed


def test_the_label_map_of_a_converted_data_set_is_one() -> None:
    ours = {"classes": {"0": "background", "1": "cat"}, "void": 255}
    parsed = parse_label_map(json.dumps(ours).encode(), name="label_map.json")
    assert (parsed.names, parsed.values) == (
        ("background", "cat"),
        {0: 0, 1: 1, 255: 255},
    )


@pytest.mark.parametrize(
    ("written", "names", "void", "values"),
    [
        ("{classes: [a, b], void: 9}", ("a", "b"), 9, {0: 0, 1: 1, 9: 9}),
        ("{classes: [a, b], void: null}", ("a", "b"), 255, {0: 0, 1: 1}),
        (
            "{classes: {7: a, 11: b}, void: 0}",
            ("a", "b"),
            255,
            {7: 0, 11: 1, 0: 255},
        ),
        ("{classes: {0: a, 1: b, 2: v}, void: 2}", ("a", "b"), 2, {0: 0, 1: 1, 2: 2}),
        (
            "{classes: {0: v, 1: a, 2: b}, void: 0}",
            ("a", "b"),
            255,
            {1: 0, 2: 1, 0: 255},
        ),
    ],
)
def test_ids_are_consecutive_and_values_stay_where_they_can(
    written: str, names: tuple[str, ...], void: int, values: dict[int, int]
) -> None:
    parsed = parse_label_map(written.encode(), name="x.yml")
    assert (parsed.names, parsed.void, parsed.values) == (names, void, values)


@pytest.mark.parametrize(
    "written",
    [
        "classes: []",
        "classes: [a, a]",
        "[a, b]",
        "classes: {300: a}",
        "{classes: [a], void: -1}",
        "{classes: [a], colours: {b: [1, 2, 3]}}",
        "{classes: [a, b], colours: {a: [1, 2, 3], b: [1, 2, 3]}}",
        "{classes: [a], colours: {a: red}}",
        "{classes: [a], typo: 1}",
        "{classes: [a",
        "!!python/object/apply:os.system ['true']",
    ],
)
def test_label_maps_that_mean_nothing_are_told(written: str) -> None:
    with pytest.raises(ListError, match=r"x\.yaml.*expected"):
        parse_label_map(written.encode(), name="x.yaml")


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


def test_values_and_colours_that_nobody_named_are_told() -> None:
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


PHOTOS = ["1.jpg", "2.png", "deep/3.jpg", "4.jpg"]


def rated(text: str, name: str = "votes.csv") -> tuple[dict, list[tuple[str, str]]]:
    ratings = parse_ratings(text.encode(), name=name, photos=PHOTOS)
    notes = {one: json.loads(note) for one, note in ratings.notes.items()}
    return notes, [(bad.reason, bad.source_id) for bad in ratings.rejected]


def test_votes_of_ten_ratings() -> None:
    head = "image," + ",".join(map(str, range(1, 11)))
    notes, rejected = rated(
        f"{head}\n1.jpg,0,0,0,0,0,0,0,0,1,9\n2,0,0,0,0,7,0,0,0,0,0\n"
    )
    assert notes["1"] == {
        "path": "1.jpg",
        "votes": [0, 0, 0, 0, 0, 0, 0, 0, 1, 9],
        "label": 1,
    }
    assert notes["2"]["path"] == "2.png" and notes["2"]["label"] == 0
    assert rejected == []


def test_fewer_ratings_have_no_middle() -> None:
    notes, _ = rated("id\tvotes_1\tvotes_2\tvotes_3\ndeep/3\t1\t0\t4\n", "votes.tsv")
    assert notes == {"deep/3": {"path": "deep/3.jpg", "votes": [1, 0, 4], "label": -1}}


def test_means_are_enough() -> None:
    notes, rejected = rated("\ufefffilename;score;std\r\n./1.jpg;7.25;1.5\r\n4;3;\r\n")
    assert notes["1"] == {"path": "1.jpg", "mean": 7.25, "std": 1.5, "label": 1}
    assert notes["4"]["std"] is None and notes["4"]["label"] == 0
    assert rejected == []


def test_each_bad_row_has_its_reason() -> None:
    rows = ["9.jpg,1,2", "1.jpg,0,0", "2,x,1", "2,-1,4", "4.jpg,1", "4.jpg,1,2"]
    notes, rejected = rated("image,1,2\n" + "\n".join(rows) + "\n4.jpg,9,9\n\n")
    assert list(notes) == ["4"]
    assert rejected == [
        ("missing-image", "9"),
        ("no-votes", "1"),
        ("bad-votes", "2"),
        ("bad-votes", "2"),
        ("bad-row", ""),
        ("duplicate-id", "4"),
    ]
    _, rejected = rated("image,mean,std\n1,11,1\n2,nan,1\n4,,1\ndeep/3,5,-1\n1,x,\n")
    assert [reason for reason, _ in rejected] == ["bad-score"] * 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "image\n1.jpg\n",
        "mean\n5\n",
        "image,1,3\n1.jpg,5,5\n",
        "image,1\n1.jpg,5\n",
        "image," + ",".join(map(str, range(1, 12))) + "\n",
    ],
)
def test_headers_that_name_no_rating_are_told(text: str) -> None:
    with pytest.raises(ListError, match=r"votes\.csv.*expected"):
        rated(text)


def test_ratings_become_records() -> None:
    notes, _ = rated("image,mean\n1.jpg,6.1\n")
    maker = makers.open_maker("folder-ratings", {})
    photo = tiny_data.jpeg(np.zeros((9, 7, 3), np.uint8))
    record = makers.make_record(maker, Entry("1", json.dumps(notes["1"])), [photo])
    assert isinstance(record, AestheticsRecord)
    assert (record.votes, record.vote_count) == ((), 0)
    assert record.mean == np.float32(6.1) and math.isnan(record.std)
    parsed = AestheticsRecord.parse(record.encode())
    assert math.isnan(parsed.std) and parsed.mean == record.mean


def test_the_manuals_examples_are_read() -> None:
    text = (Path(__file__).parents[4] / "docs/data.md").read_text()
    blocks = re.findall(r"```(yaml|json|csv)\n(.*?)```", text, flags=re.DOTALL)
    assert [kind for kind, _ in blocks] == ["yaml", "json", "csv", "csv"]
    bodies = [textwrap.dedent(body).encode() for _, body in blocks]
    for body in bodies[:2]:
        names = parse_label_map(body, name="label_map").names
        assert [*names] == ["background", "road", "car"]
    for body in bodies[2:]:
        found = parse_ratings(body, name="rated.csv", photos=["IMG_0001.jpg"])
        assert (len(found.notes), found.rejected) == (1, ())
