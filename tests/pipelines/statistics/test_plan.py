"""What `fcn stats` cannot count is refused in one line."""

from pathlib import Path

import pytest

from pipelines.cli import main
from tests.runs.statistics_runs import rewritten

pytest.importorskip("tfx_bsl", reason="tfx-bsl (fcn[stats]) is not installed")


def test_usage_errors_are_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = rewritten(data, tmp_path / "bad", lambda frames: frames)
    (folder / "COMPLETED").unlink()
    cases = [
        ([str(folder)], "without COMPLETED"),
        ([str(tmp_path / "nowhere")], "expected a finished data set"),
        ([str(data), "--output", str(tmp_path / "s.txt")], "ends in .json"),
        ([str(data), "--outptu", "x"], "did you mean --output"),
        ([], "arguments are required: data"),
    ]
    for words, expected in cases:
        assert main.main(["stats", *words]) == 2
        error = capsys.readouterr().err
        assert expected in error and error.count("\n") == 1
    (folder / "COMPLETED").touch()
    schema = folder / "schema.pbtxt"
    schema.write_text(schema.read_text().replace("image/width", "image/breadth"))
    assert main.main(["stats", str(folder)]) == 2
    error = capsys.readouterr().err
    assert "image/width" in error and error.count("\n") == 1
