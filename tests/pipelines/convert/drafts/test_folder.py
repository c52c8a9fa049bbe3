"""`fcn convert folder`: one's own photos with masks or ratings, no code edited."""

import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images
from fcn_core.datasets.pascal import drawn
from fcn_core.records.dataset_info import read_dataset_info
from fcn_core.records.record import AestheticsRecord, SegmentationRecord
from pipelines.cli import main
from tests.drawn import tiny_data
from tests.runs.convert_runs import check_schema, convert, records, rejected
from tests.runs.trees import everything

COLOURS = {0: (0, 0, 0), 1: (255, 0, 0), 2: (0, 0, 142), 9: (255, 255, 255)}
LABEL_MAP = {
    "classes": ["ground", "road", "car"],
    "void": 9,
    "colours": {
        "ground": "#000000",
        "road": "#ff0000",
        "car": [0, 0, 142],
        "void": "#ffffff",
    },
}
NAMES = [f"trip {n // 3}/photo{n}" for n in range(9)]


def class_map(number: int) -> np.ndarray:
    random = np.random.default_rng(number)
    small = random.choice([0, 1, 2, 9], (6, 8)).astype(np.uint8)
    return np.kron(small, np.ones((5, 5), np.uint8))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Photos in sub-folders, index masks, colour masks and a label map."""
    for number, name in enumerate(NAMES):
        scene = drawn.draw_scene(number, height=30, width=40)
        labels = class_map(number)
        rgb = np.zeros((30, 40, 3), np.uint8)
        for value, colour in COLOURS.items():
            rgb[labels == value] = colour
        for path, content in (
            (f"photos/{name}.jpg", tiny_data.jpeg(scene.pixels)),
            (f"indices/{name}.png", tiny_data.png(labels)),
            (f"colours/{name}.png", tiny_data.png(rgb)),
        ):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content)
    (tmp_path / "map.json").write_text(json.dumps(LABEL_MAP))
    values = {key: LABEL_MAP[key] for key in ("classes", "void")}
    (tmp_path / "values.json").write_text(json.dumps(values))
    return tmp_path


def test_index_masks_and_colour_masks_make_the_same_records(data: Path) -> None:
    flags = ["--split", "train:0.6", "val:0.4", "--label_map", str(data / "map.json")]
    found = []
    for kind in ("indices", "colours"):
        out = data / f"out-{kind}"
        assert (
            convert("folder", out, *flags, input=data / "photos", targets=data / kind)
            == 0
        )
        info = read_dataset_info(out)
        assert (info.dataset, info.classes, info.void) == (
            "folder",
            ["ground", "road", "car"],
            9,
        )
        assert set(info.splits) == {"train", "val"}
        assert check_schema(out) == len(NAMES)
        both = [records(SegmentationRecord, out, split) for split in info.splits]
        assert all(both)
        found.append(both[0] | both[1])
    assert found[0] == found[1]
    for number, name in enumerate(NAMES):
        record = found[0][name]
        assert np.array_equal(images.decode_mask(record.label), class_map(number))
        assert record.encoded == (data / f"photos/{name}.jpg").read_bytes()
        assert (record.source, record.filename) == ("folder", f"{name}.jpg")


def test_without_a_label_map_values_are_class_ids(data: Path) -> None:
    out = data / "out"
    counts = {str(value): 0 for value in (0, 1, 2, 255)}
    for number, name in enumerate(NAMES):
        labels = class_map(number)
        labels[labels == 9] = 255
        (data / f"indices/{name}.png").write_bytes(tiny_data.png(labels))
        for value in counts:
            counts[value] += int((labels == int(value)).sum())
    assert convert("folder", out, input=data / "photos", targets=data / "indices") == 0
    info = read_dataset_info(out)
    assert info.classes == ["class_0", "class_1", "class_2"] and info.void == 255
    assert info.pixels == counts
    assert "max: 2" in (out / "schema.pbtxt").read_text()
    assert check_schema(out) == len(NAMES)


def write_masks(folder: Path, values: dict[int, int]) -> None:
    """Writes masks with other values for those of `class_map`."""
    for number, name in enumerate(NAMES):
        labels = np.zeros((30, 40), np.uint8)
        for value, other in values.items():
            labels[class_map(number) == value] = other
        (folder / f"{name}.png").write_bytes(tiny_data.png(labels))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({0: 0, 1: 255, 2: 255, 9: 0}, "got one class, the value 0, and "),
        ({0: 0, 1: 0, 2: 0, 9: 0}, "got one class, the value 0, and 0.0% void"),
        ({0: 1, 1: 1, 2: 1, 9: 255}, "got one class, the value 1, and "),
        ({0: 0, 1: 1, 2: 3, 9: 255}, "the values 0, 1, 3 as class ids, without 2"),
        ({0: 1, 1: 2, 2: 3, 9: 3}, "the values 1, 2, 3 as class ids, without 0"),
        ({0: 0, 1: 100, 2: 200, 9: 0}, "the values 0, 100, 200 as class ids"),
    ],
)
def test_masks_that_cannot_be_meant_are_refused(
    data: Path,
    values: dict[int, int],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_masks(data / "indices", values)
    named: dict[str, Any] = {"input": data / "photos", "targets": data / "indices"}
    assert convert("folder", data / "out", **named) == 3
    error = capsys.readouterr().err
    assert message in error
    assert "--label_map" in error and "choose another --output" in error
    assert ("--void_value none" in error) == (
        "one class" in error and 255 in values.values()
    )
    assert not (data / "out" / "COMPLETED").exists()
    distinct = sorted(set(values.values()) - {255})
    names = {str(value): f"thing {value}" for value in distinct}
    (data / "own.json").write_text(json.dumps({"classes": names}))
    flags = ["--label_map", str(data / "own.json")]
    assert convert("folder", data / "named", *flags, **named) == 0
    assert read_dataset_info(data / "named").classes == list(names.values())


def test_masks_of_nearly_nothing_but_void_are_refused(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(NAMES):
        labels = np.full((30, 40), 255, np.uint8)
        labels[:2, :20], labels[2:4, :20] = 0, number % 2
        (data / f"indices/{name}.png").write_bytes(tiny_data.png(labels))
    named: dict[str, Any] = {"input": data / "photos", "targets": data / "indices"}
    assert convert("folder", data / "out", **named) == 3
    assert "93.3% of the pixels are void (value 255)" in capsys.readouterr().err


def test_without_void_masks_of_0_and_255_have_two_classes(data: Path) -> None:
    values = {0: 0, 1: 255, 2: 255, 9: 0}
    write_masks(data / "indices", values)
    odd = np.where(class_map(0) == 9, 3, 255).astype(np.uint8)
    (data / f"indices/{NAMES[0]}.png").write_bytes(tiny_data.png(odd))
    out, flags = data / "out", ["--void_value", "none"]
    named: dict[str, Any] = {"input": data / "photos", "targets": data / "indices"}
    assert convert("folder", out, *flags, **named) == 0
    assert read_dataset_info(out).classes == ["class_0", "class_1"]
    assert rejected(out) == {NAMES[0]: "label-value"}
    for source_id, record in records(SegmentationRecord, out, "train").items():
        expected = np.isin(class_map(NAMES.index(source_id)), (1, 2)).astype(np.uint8)
        assert np.array_equal(images.decode_mask(record.label), expected)
        assert record.classes == (1,)


def test_masks_named_with_a_suffix(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES:
        mask = data / f"indices/{name}.png"
        mask.rename(mask.with_name(f"{mask.stem}_mask.PNG"))
    flags = ["--label_map", str(data / "values.json")]
    named: dict[str, Any] = {"input": data / "photos", "targets": data / "indices"}
    assert convert("folder", data / "out", *flags, **named) == 2
    assert "pass --target_suffix _mask" in capsys.readouterr().err
    (data / "indices" / "colours.png").write_bytes(b"no mask by its name")
    flags += ["--target_suffix", "_mask"]
    assert convert("folder", data / "out", *flags, **named) == 0
    found = records(SegmentationRecord, data / "out", "train")
    for number, name in enumerate(NAMES):
        label = images.decode_mask(found[name].label)
        assert np.array_equal(label, class_map(number))
    info = read_dataset_info(data / "out")
    assert info.remarks == ["1 files of --targets without _mask ignored"]


def test_photos_and_masks_that_are_all_pngs_in_one_folder(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = data / "all"
    for number, name in enumerate(NAMES):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene = drawn.draw_scene(number, height=30, width=40)
        path.write_bytes(tiny_data.png(scene.pixels))
        mask = path.with_name(f"{path.stem}-label.png")
        mask.write_bytes(tiny_data.png(class_map(number)))
    flags = ["--label_map", str(data / "values.json")]
    named: dict[str, Any] = {"input": folder, "targets": folder}
    assert convert("folder", data / "out", *flags, **named) == 2
    assert "pass --target_suffix -label" in capsys.readouterr().err
    # With an equals sign: a value that begins with a hyphen would be a flag.
    assert (
        convert("folder", data / "out", *flags, "--target_suffix=-label", **named) == 0
    )
    assert sorted(records(SegmentationRecord, data / "out", "train")) == sorted(NAMES)


def test_photos_and_masks_in_different_normal_forms(data: Path) -> None:
    for number in range(3):
        name = f"caf\u00e9 {number}"
        photo, mask = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
        for kind, new, ending in (("photos", photo, "jpg"), ("indices", mask, "png")):
            old = data / f"{kind}/{NAMES[number]}.{ending}"
            old.rename(data / f"{kind}/{new}.{ending}")
    flags = ["--label_map", str(data / "values.json")]
    named: dict[str, Any] = {"input": data / "photos", "targets": data / "indices"}
    assert convert("folder", data / "out", *flags, **named) == 0
    found = records(SegmentationRecord, data / "out", "train")
    for number in range(3):
        label = images.decode_mask(found[f"caf\u00e9 {number}"].label)
        assert np.array_equal(label, class_map(number))
    assert len(found) == len(NAMES)


def test_splits_by_lists(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "train.txt").write_text("".join(f"{name}  -1\n" for name in NAMES[:5]))
    (data / "val.txt").write_text(f"photos/{NAMES[6]}.jpg\ngone\n")
    lists = [f"train:{data}/train.txt", f"val:{data}/val.txt"]
    flags = ["--label_map", str(data / "values.json"), "--split_list", *lists]
    named: dict[str, Any] = {"input": data / "photos", "targets": data / "indices"}
    assert convert("folder", data / "out", *flags, **named) == 0
    train = records(SegmentationRecord, data / "out", "train")
    assert sorted(train) == sorted(NAMES[:5])
    assert list(records(SegmentationRecord, data / "out", "val")) == [NAMES[6]]
    assert rejected(data / "out") == {"gone": "missing-image"}
    info = read_dataset_info(data / "out")
    assert info.remarks == ["3 photos of the folder are in no --split_list"]
    capsys.readouterr()
    flags[-1] = f"val:{data}/nowhere.txt"
    assert convert("folder", data / "other", *flags, **named) == 2
    assert "nowhere.txt: got no file there" in capsys.readouterr().err


def test_folders_that_are_closed_or_left_out_are_told(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thumb = data / "photos" / "@eaDir" / "x.jpg"
    thumb.parent.mkdir()
    thumb.write_bytes(b"a thumbnail")
    (data / "photos" / "old").mkdir()
    (data / "photos" / "old" / "x.jpg").write_bytes(b"old")
    (data / "photos" / "closed").mkdir()
    scandir = os.scandir

    def forbidden(folder: str) -> object:
        if str(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", forbidden)
    flags = ["--label_map", str(data / "values.json"), "--exclude", "old"]
    named: dict[str, Any] = {"input": data / "photos", "targets": data / "indices"}
    assert convert("folder", data / "out", *flags, **named) == 0
    assert rejected(data / "out") == {"closed": "permission-denied"}
    info = read_dataset_info(data / "out")
    assert info.splits["train"].records == len(NAMES)
    assert info.remarks == [
        "folders that could not be listed: closed",
        "left out by name: @eaDir 1, old 1",
    ]


def test_a_conversion_in_which_all_failed_says_why(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES[:6]:
        (data / f"photos/{name}.jpg").write_bytes(b"")
    for name in NAMES[6:]:
        (data / f"indices/{name}.png").unlink()
    named: dict[str, Any] = {"input": data / "photos", "targets": data / "indices"}
    assert convert("folder", data / "out", **named) == 3
    error = capsys.readouterr().err
    assert "none of 9 succeeded (empty 6, missing-label 3)" in error


def test_leftovers_and_odd_files_are_rows(data: Path) -> None:
    photos, masks = data / "photos", data / "indices"
    (masks / f"{NAMES[0]}.png").unlink()
    (photos / f"{NAMES[1]}.jpg").unlink()
    (masks / f"{NAMES[2]}.png").write_bytes(tiny_data.png(class_map(2).T.copy()))
    scene = np.asarray(class_map(3)[:, :, None].repeat(3, 2))
    turned = tiny_data.PHOTO_DAMAGE["image-turned"](tiny_data.jpeg(scene), scene)
    (photos / f"{NAMES[3]}.jpg").write_bytes(turned)
    (photos / f"{NAMES[4]}.jpg").write_bytes(b"")
    (masks / f"{NAMES[5]}.png").write_bytes(
        (data / f"colours/{NAMES[5]}.png").read_bytes()
    )
    (photos / "notes.txt").write_text("no photo")
    Path(os.fsdecode(os.fsencode(photos) + b"/\xff\xfe.jpg")).write_bytes(b"x")
    (photos / "extra.heic").write_bytes(b"x")
    out = data / "out"
    named: dict[str, Any] = {"input": photos, "targets": masks}
    flags = ["--label_map", str(data / "values.json")]
    assert convert("folder", out, *flags, **named) == 0
    found = rejected(out)
    (bad_name,) = (one for one, reason in found.items() if reason == "bad-name")
    assert bad_name == "%FF%FE"
    assert found == {
        NAMES[0]: "missing-label",
        NAMES[1]: "missing-image",
        NAMES[2]: "label-size-swapped",
        NAMES[3]: "image-turned",
        NAMES[4]: "empty",
        NAMES[5]: "label-rgb",
        "extra": "missing-label",
        bad_name: "bad-name",
    }
    info = read_dataset_info(out)
    assert (info.splits["train"].read, info.splits["train"].records) == (11, 3)
    assert info.remarks == ["1 files ignored (no photos by their names)"]


def test_masks_beside_their_photos(data: Path) -> None:
    for name in NAMES:
        target = data / "photos" / f"{name}.png"
        target.write_bytes((data / f"indices/{name}.png").read_bytes())
    folder, out = data / "photos", data / "photos" / "out"
    named: dict[str, Any] = {"input": folder, "targets": folder}
    flags = ["--label_map", str(data / "values.json")]
    assert convert("folder", out, *flags, **named) == 0
    assert len(records(SegmentationRecord, out, "train")) == len(NAMES)
    before = everything(out)
    assert convert("folder", out, *flags, **named) == 0
    assert everything(out) == before


def test_votes_and_means_from_a_table(data: Path) -> None:
    photos = data / "photos"
    head = "image," + ",".join(map(str, range(1, 11)))
    rows = [f"{name}.jpg," + ",".join("0123456789") for name in NAMES[:7]]
    (data / "votes.csv").write_text("\n".join([head, *rows, "gone.jpg" + ",1" * 10]))
    out = data / "votes"
    assert convert("folder", out, input=photos, targets=data / "votes.csv") == 0
    found = records(AestheticsRecord, out, "train")
    assert sorted(found) == sorted(NAMES[:7])
    assert all(record.votes == tuple(range(10)) for record in found.values())
    assert rejected(out) == {"gone": "missing-image"}
    info = read_dataset_info(out)
    assert info.remarks == ["2 photos of the folder have no usable row in votes.csv"]
    assert check_schema(out) == 7

    means = "\n".join(f"{name},{n + 1}.5" for n, name in enumerate(NAMES))
    (data / "means.csv").write_text("id,mean\n" + means)
    out = data / "means"
    flags = ["--split", "train:0.5", "test:0.5"]
    assert convert("folder", out, *flags, input=photos, targets=data / "means.csv") == 0
    both = [records(AestheticsRecord, out, split) for split in ("train", "test")]
    assert {one: r.mean for half in both for one, r in half.items()} == {
        name: number + 1.5 for number, name in enumerate(NAMES)
    }
    assert check_schema(out) == len(NAMES)


def test_bytes_depend_on_neither_lanes_nor_on_when_files_came(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    flags = ["--split", "train:0.5", "val:0.5", "--num_shards", "3"]
    flags += ["--label_map", str(data / "values.json")]
    named = {"input": data / "photos", "targets": data / "indices"}
    one, two = data / "one", data / "two"
    assert convert("folder", one, *flags, **named) == 0  # type: ignore[arg-type]
    for path in sorted((data / "photos").rglob("*.jpg"), reverse=True):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    assert convert("folder", two, *flags, lanes=2, **named) == 0
    assert everything(one) == everything(two)


def test_another_label_map_needs_another_output(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {"input": str(data / "photos"), "targets": str(data / "indices")}
    flags = ["--label_map", str(data / "map.json")]
    assert convert("folder", data / "out", *flags, **named) == 0  # type: ignore[arg-type]
    capsys.readouterr()
    (data / "map.json").write_text(json.dumps({"classes": ["x", "y", "z"], "void": 9}))
    assert convert("folder", data / "out", *flags, **named) == 2  # type: ignore[arg-type]
    assert "--label_map: got" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--input", "{data}/nowhere"], "--input"),
        (["--input", "{data}/map.json"], "no folder there"),
        (["--targets", "{data}/nowhere"], "--targets"),
        (
            ["--targets", "{data}/map.json", "--label_map", "{data}/map.json"],
            "leave it",
        ),
        (["--targets", "{data}/map.json"], "expected image and either mean"),
        (["--label_map", "{data}/nowhere.json"], "--label_map"),
        (["--label_map", "{data}/indices"], "--label_map"),
        (["--split", "train"], "NAME:FRACTION"),
        (["--split", "train:0.9", "val:0.2"], "add up to 1"),
        (["--split", "val:0.2"], "add up to 1"),
        (["--split", "a:0.5", "a:0.5"], "each split once"),
        (["--split", "../a:1"], "NAME:FRACTION"),
        (["--split_list", "train"], "NAME:FILE"),
        (["--split_list", "a:x", "a:y"], "each once"),
        (["--split_list", "a:x", "--split", "a:1"], "no --split beside it"),
        (["--target_suffix", "a/b"], "--target_suffix"),
        (["--void_value", "0"], "--void_value"),
        (
            ["--void_value", "none", "--label_map", "{data}/map.json"],
            "void: null in the map",
        ),
        (["--input", "{data}/colours/none"], "--input"),
        (["--input", "{data}/empty"], "photos (.jpg"),
        (["--targets", "{data}/empty"], "masks (.png)"),
        (["--targets", "{data}/no_header.csv"], "--targets: no_header.csv: got"),
    ],
)
def test_usage_errors_are_one_line(
    data: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    (data / "empty").mkdir()
    (data / "no_header.csv").write_text("photo.jpg,5\n")
    words = ["--input", str(data / "photos"), "--targets", str(data / "indices")]
    flags = [flag.format(data=data) for flag in flags]
    words = ["convert", "folder", *words, "--output", str(data / "out"), *flags]
    assert main.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (data / "out").exists()
