"""`fcn convert folder`: which photo and mask belong together, and in which split."""

import os
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import images
from fcn_core.datasets.pascal import drawn
from fcn_core.records.dataset_info import read_dataset_info
from fcn_core.records.record import SegmentationRecord
from tests.drawn import tiny_data
from tests.drawn.own_data import NAMES, class_map
from tests.runs.convert_runs import convert, records, rejected

pytestmark = pytest.mark.usefixtures("warm_lanes")


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


def test_closed_and_excluded_folders_are_named(
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
