"""`fcn convert ava`: votes to records, missing photos counted, never fatal."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core.datasets import votes
from fcn_core.datasets.ava.table import parse_table
from fcn_core.records.dataset_info import read_dataset_info
from fcn_core.records.record import AestheticsRecord
from pipelines.cli import main
from tests.drawn import tiny_ava, tiny_data
from tests.runs.convert_runs import check_schema, convert, records, rejected
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")


@pytest.fixture
def package(tmp_path: Path) -> tuple[Path, Path]:
    return tiny_ava.package(tmp_path / "AVA")


def test_official_records_are_the_tables_rows(
    package: tuple[Path, Path], tmp_path: Path
) -> None:
    table_path, photos = package
    out = tmp_path / "out"
    assert convert("ava", out, input=table_path, images=photos, num_shards=3) == 0
    table = parse_table(table_path.read_bytes())
    train, test = (records(AestheticsRecord, out, s) for s in ("train", "test"))
    assert len(train) == 30 and sorted(test, key=int) == [
        str(number) for number in range(1, 41, 4)
    ]
    for one, record in (train | test).items():
        row = table.rows[one]
        assert record.encoded == (photos / f"{one}.jpg").read_bytes()
        assert (record.votes, record.tags) == (row.votes, row.tags)
        assert (record.mean, record.std) == votes.moments(row.votes)
        assert record.label == votes.label(row.votes)
    assert train["2"].styles == (3,) and test["5"].styles == (2, 14)
    assert check_schema(out) == 40
    info = read_dataset_info(out)
    assert (info.task, info.classes, info.settings["protocol"]) == (
        "aesthetics",
        None,
        "official",
    )
    assert (info.splits["train"].published, info.splits["test"].published) == (
        235_600,
        20_000,
    )
    names = json.loads((out / "label_map.json").read_text())
    assert names["tags"]["22"] == "Abstract" and len(names["styles"]) == 14


def test_missing_and_broken_photos_are_rows(
    package: tuple[Path, Path], tmp_path: Path
) -> None:
    table_path, photos = package
    pixels = np.full((20, 30, 3), 90, np.uint8)
    whole = tiny_data.jpeg(np.random.default_rng(0).integers(0, 255, (60, 60, 3), "u1"))
    (photos / "2.jpg").unlink()
    (photos / "3.jpg").write_bytes(whole[: len(whole) * 9 // 10])
    (photos / "4.jpg").write_bytes(tiny_data.jpeg(pixels[:, :, 0]))
    (photos / "6.jpg").write_bytes(tiny_data.png(pixels))
    turned = tiny_data.PHOTO_DAMAGE["image-turned"](tiny_data.jpeg(pixels), pixels)
    (photos / "7.jpg").write_bytes(turned)
    (photos / "8.jpg").write_bytes(b"")
    with table_path.open("a") as file:
        file.write(
            f"{tiny_ava.line(41, 41, (0,) * 10)}\n1 2.5 3\n"
            f"{tiny_ava.line(43, 43, (-1, *tiny_ava.MIDDLE[1:]))}\n"
            f"{tiny_ava.line(44, 10, tiny_ava.MIDDLE)}\n"
        )
    tiny_ava.write_list(table_path.parent, "generic_test", [1, 5, 9, 777])
    out = tmp_path / "out"
    assert convert("ava", out, input=table_path, images=photos) == 0
    assert rejected(out) == {
        "2": "missing-image",
        "3": "corrupt",
        "8": "empty",
        "41": "no-votes",
        "": "bad-row",
        "43": "bad-votes",
        "10": "duplicate-id",
        "777": "not-in-table",
    }
    info = read_dataset_info(out)
    assert (info.splits["test"].read, info.splits["test"].records) == (4, 3)
    assert (info.splits["train"].read, info.splits["train"].records) == (41, 34)
    train = records(AestheticsRecord, out, "train")
    assert (train["4"].channels, train["6"].format) == (1, "png")
    assert train["7"].orientation == 6
    assert (train["7"].height, train["7"].width) == (20, 30)
    assert check_schema(out) == 37


def test_ava1_and_ava2(package: tuple[Path, Path], tmp_path: Path) -> None:
    table_path, photos = package
    named: dict[str, Any] = {"input": table_path, "images": photos}
    for name, flags in {
        "ava1": ["--protocol", "ava1", "--delta", "0.5"],
        "ava2": ["--protocol", "ava2"],
        "seeded": ["--protocol", "ava2", "--seed", "1"],
    }.items():
        assert convert("ava", tmp_path / name, *flags, **named) == 0
    train = records(AestheticsRecord, tmp_path / "ava1", "train")
    assert 0 < len(train) < 30
    assert all(abs(record.mean - 5) >= 0.4999 for record in train.values())
    halves = [
        records(AestheticsRecord, tmp_path / "ava2", s) for s in ("train", "test")
    ]
    assert [len(half) for half in halves] == [4, 4]
    both = halves[0] | halves[1]
    high = [record.mean for record in both.values() if record.label == 1]
    low = [record.mean for record in both.values() if record.label == 0]
    assert (len(high), len(low)) == (4, 4) and min(high) > max(low)
    assert everything(tmp_path / "ava2") != everything(tmp_path / "seeded")


def test_lists_by_name(package: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    flags = ["--split", "portrait_train", "test"]
    assert convert("ava", out, *flags, input=package[0], images=package[1]) == 2
    flags = ["--split", "portrait_train"]
    assert convert("ava", out, *flags, input=package[0], images=package[1]) == 0
    assert list(read_dataset_info(out).splits) == ["portrait_train"]
    assert len(records(AestheticsRecord, out, "portrait_train")) == 7


def test_a_table_alone_is_one_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tiny_ava.write_table(
        tmp_path / "AVA", [tiny_ava.line(n, n, tiny_ava.votes(n)) for n in range(1, 4)]
    )
    tiny_ava.write_photos(tmp_path / "photos", [1, 2, 3, 99])
    words = ["--input", str(table.parent), "--images", str(tmp_path / "photos")]
    out = tmp_path / "out"
    assert main.main(["convert", "ava", *words, "--output", str(out)]) == 0
    assert (
        "note: no aesthetics_image_lists/generic_test.jpgl" in capsys.readouterr().out
    )
    assert sorted(records(AestheticsRecord, out, "train")) == ["1", "2", "3"]


@pytest.mark.usefixtures("lane_processes")
def test_bytes_depend_on_neither_lanes_nor_the_tables_order(
    package: tuple[Path, Path], tmp_path: Path
) -> None:
    table, photos = package
    (photos / "7.jpg").unlink()
    named: dict[str, Any] = {"input": table, "images": photos, "num_shards": 4}
    assert convert("ava", tmp_path / "one", **named) == 0
    lines = table.read_text().splitlines()
    table.write_text("\n".join(lines[::-1]))
    assert convert("ava", tmp_path / "two", lanes=2, **named) == 0
    assert everything(tmp_path / "one") == everything(tmp_path / "two")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--input", "{folder}/nowhere"], "nowhere/AVA.txt: got nothing there"),
        (["--input", "{folder}/AVA.txt"], "/AVA.txt: got nothing there"),
        (["--input", "{folder}/other.txt"], "lines of 15 numbers"),
        (["--images", "{folder}/nowhere"], "--images"),
        (["--protocol", "ava3"], "--protocol"),
        (["--delta", "0.5"], "expected --protocol ava1"),
        (["--protocol", "ava1", "--delta", "7"], "--delta"),
        (["--protocol", "ava1", "--delta", "x"], "--delta"),
        (["--seed", "3"], "expected --protocol ava2"),
        (["--protocol", "ava2", "--split", "val"], "train or test of --protocol"),
        (["--split", "nobody_train"], "nobody_train.jpgl"),
        (["--protocol", "official", "--input", "{folder}/bare"], "generic_test.jpgl"),
    ],
)
def test_usage_errors_are_one_line(
    package: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    message: str,
) -> None:
    (tmp_path / "other.txt").write_text("image,1,2\na.jpg,3,4\n")
    tiny_ava.write_table(tmp_path / "bare", [tiny_ava.line(1, 1, tiny_ava.votes(1))])
    words = ["--input", str(package[0]), "--images", str(package[1])]
    flags = [flag.format(folder=tmp_path) for flag in flags]
    words = ["convert", "ava", *words, "--output", str(tmp_path / "out"), *flags]
    assert main.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(
    "FCN_AVA_ROOT" not in os.environ,
    reason="FCN_AVA_ROOT (AVA.txt and images) is not set",
)
def test_the_real_photos_become_records(tmp_path: Path) -> None:
    root = Path(os.environ["FCN_AVA_ROOT"])
    table = parse_table((root / "AVA.txt").read_bytes())
    there = sorted({path.stem for path in (root / "images").glob("*.jpg")})
    out = tmp_path / "out"
    flags = ["--max_error_rate", "1"]
    assert convert("ava", out, *flags, input=root, images=root / "images") == 0
    found: dict[str, AestheticsRecord] = {}
    for split in read_dataset_info(out).splits:
        found |= records(AestheticsRecord, out, split)
    assert sorted(found) == [photo for photo in there if photo in table.rows]
    reasons = read_dataset_info(out).rejected
    assert reasons == {"missing-image": len(table.rows) - len(found)}
    assert check_schema(out) == len(found)
