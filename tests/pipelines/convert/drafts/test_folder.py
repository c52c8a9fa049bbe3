"""`fcn convert folder`: one's own photos with masks or ratings, no code edited."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images
from fcn_core.records.dataset_info import read_dataset_info
from fcn_core.records.record import AestheticsRecord, SegmentationRecord
from pipelines.cli import main
from tests.drawn import tiny_data
from tests.drawn.own_data import NAMES, class_map
from tests.runs.convert_runs import check_schema, convert, records, rejected
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")


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


@pytest.mark.usefixtures("lane_processes")
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
