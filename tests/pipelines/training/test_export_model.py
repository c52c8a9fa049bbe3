"""`fcn export`: what it takes, and the int8 form that it adds to a bundle."""

import importlib.util
import json
import shlex
import sys
from pathlib import Path

import pytest

from fcn_core.bundles.card import ModelCard
from pipelines.training.config import ExportConfig
from tests.drawn import tiny_shards
from tests.runs.score_runs import fcn

needs_nncf = pytest.mark.skipif(
    importlib.util.find_spec("nncf") is None,
    reason="nncf is not installed: pip install 'fcn[int8]'",
)


MANUAL = Path(__file__).resolve().parents[3] / "docs/models.md"


def test_the_commands_of_the_manual_are_understood() -> None:
    lines = MANUAL.read_text("utf-8").splitlines()
    commands = [
        shlex.split(line.partition(" " * 8)[0])
        for line in map(str.strip, lines)
        if line.startswith("fcn export") and "--int8" in line
    ]
    found = [ExportConfig.parse(words[2:])[0] for words in commands]
    assert [config.model for config in found] == ["RUN", "voc21"]
    assert {config.int8 for config in found} == {"DATA"}
    assert {config.output for config in found} == {"BUNDLE"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_shards.drawn_data(tmp_path_factory.mktemp("voc"), train=6, val=4)


def test_a_bundle_is_not_exported_again(rating_bundle: Path, tmp_path: Path) -> None:
    ended = fcn("export", "--model", rating_bundle, "--output", tmp_path / "out")
    assert ended.code == 2
    assert "a bundle already, expected a run folder" in ended.stderr
    assert "add --int8 DATA" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_nncf_it_is_one_line(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    out = tmp_path / "out"
    ended = fcn("export", "--model", "voc21", "--int8", data, "--output", out)
    assert ended.code == 2
    assert ended.stderr == (
        "fcn: int8 needs the package nncf, which is not installed; pip install"
        " 'fcn[int8]'\n"
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("--int8", "nowhere"), "nowhere"),
        (("--calibration_split", "half"), "got split 'half'"),
        (("--measured_split", "half"), "got split 'half'"),
        (("--measured_photos", "1"), "--measured_photos"),
    ],
)
def test_what_cannot_be_is_one_line(
    rating_bundle: Path,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: tuple[str, ...],
    message: str,
) -> None:
    from fcn_core.int8 import quantise

    monkeypatch.setattr(quantise, "check_installed", lambda: None)
    monkeypatch.chdir(tmp_path)
    words = ["export", "--model", str(rating_bundle), "--output", str(tmp_path / "out")]
    ended = fcn(*words, "--int8", str(data), *changes)
    assert ended.code == 2, ended.stderr
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@needs_nncf
def test_a_bundle_gets_an_int8_form(
    rating_bundle: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ("export", "--model", rating_bundle, "--int8", data, "--output", out)
    ended = fcn(*words, "--calibration_photos", "4", "--seed", "3")
    assert ended.code == 0, ended.stderr
    card = ModelCard.read(out)
    assert card.label == ModelCard.read(rating_bundle).label
    assert card.int8 is not None
    assert (card.int8.calibration.photos, card.int8.calibration.seed) == (4, 3)
    first, second = ended.stdout.splitlines()
    assert first.startswith(card.label)
    assert second.startswith("int8  rank correlation 1.0000 -> ")
    assert "on 4 photos of voc" in second
    shown = json.loads(fcn("models", "show", out, "--json").stdout)
    assert shown["int8"]["fingerprint"] == card.int8.fingerprint
    assert shown["int8_ms_per_megapixel"] > 0
    again = fcn(*words, "--json")
    assert again.code == 2
    assert "exists and is not empty" in again.stderr
