"""`fcn template`: the description on the terminal or in a file."""

import json
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.deploy import template


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["template"]) == 0
    assert capsys.readouterr().out == template.text()


def test_it_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new" / "metadata.json"
    assert main.main(["template", "--output", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert file.read_text() == template.text()
    assert main.main(["template", "--output", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"output": str(file)}


def test_a_wrong_flag_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["template", "--outptu=x"]) == 2
    assert "did you mean --output?" in capsys.readouterr().err
