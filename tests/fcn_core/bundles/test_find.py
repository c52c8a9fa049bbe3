"""Models are found by name or folder; a mistyped name is answered with the nearest."""

import shutil
from pathlib import Path

import pytest

from fcn_core import scoring
from fcn_core.bundles import find
from fcn_core.bundles.card import ModelError


def test_find_bundle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, segmentation_bundle: Path
) -> None:
    shutil.copytree(segmentation_bundle, tmp_path / "voc21")
    monkeypatch.setattr(find, "BUILT_IN", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert scoring.built_in_names() == ["voc21"]
    assert scoring.find_bundle("voc21") == tmp_path / "voc21"
    assert scoring.find_bundle(str(segmentation_bundle)) == segmentation_bundle
    with pytest.raises(ModelError, match="did you mean voc21"):
        scoring.find_bundle("voc12")
    with pytest.raises(ModelError, match="built in are voc21"):
        scoring.find_bundle("/nowhere/at/all")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"without model_card\.json"):
        scoring.find_bundle("empty")
