"""Record batches: read light, and the package that reads them."""

import sys
from pathlib import Path

import pytest

from fcn_core.records import dataset_info
from pipelines.cli import main
from pipelines.statistics import batches

pytest.importorskip("tfx_bsl", reason="tfx-bsl (fcn[stats]) is not installed")


_JPEG = "image/encoded"


def test_photos_are_never_copied_into_batches(data: Path) -> None:
    info = dataset_info.read_dataset_info(data)
    path = str(data / next(s.name for s in info.splits["train"].files if s.records))
    text = (data / "schema.pbtxt").read_text()
    light = batches.parse_schema(text)
    heavy = batches.parse_schema(text, leave_out=())
    few, all_of_it = ([*batches.read(path, schema)] for schema in (light, heavy))
    assert _JPEG not in few[0].schema.names and _JPEG in all_of_it[0].schema.names
    photos = sum(len(value[0]) for b in all_of_it for value in b[_JPEG].to_pylist())
    saved = sum(b.nbytes for b in all_of_it) - sum(b.nbytes for b in few)
    assert saved >= photos > 0


def test_without_tfx_bsl_the_cure_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tfx_bsl"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main.main(["stats", str(data)]) == 2
    assert "pip install 'fcn[stats]'" in capsys.readouterr().err
