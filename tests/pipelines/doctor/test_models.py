"""Models are compared with their cards, file by file."""

import shutil
from pathlib import Path

from fcn_core import scoring
from pipelines.doctor import models


def test_the_built_in_models_are_as_exported() -> None:
    found = models.check_models(["voc21", "aesthetics", "quality"])
    assert found.level == "ok"
    assert "voc21@" in found.detail


def test_a_changed_byte_is_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(scoring.find_bundle("quality"), folder)
    assert models.check_models([str(folder)]).level == "ok"
    graph = folder / "saved_model.pb"
    graph.write_bytes(graph.read_bytes() + b"\0")
    found = models.check_models([str(folder)])
    assert found.level == "wrong"
    assert "saved_model.pb" in found.detail
    assert found.cure == "copy the whole folder again"


def test_an_unknown_name_is_wrong() -> None:
    found = models.check_models(["voc22"])
    assert found.level == "wrong"
    assert "voc22" in found.detail


def test_openvino_loads_here() -> None:
    found = models.check_openvino()
    assert found.level == "ok"
    assert "CPU" in found.detail
