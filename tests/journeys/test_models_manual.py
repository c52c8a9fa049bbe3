"""The examples of docs/models.md run as they stand."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.drawn import tiny_models

MANUAL = Path(__file__).resolve().parents[2] / "docs/models.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", MANUAL.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(2))
def test_example(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photo.jpg").write_bytes(tiny_models.draw_photo(90, 140))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(EXAMPLES[number], names)
    if "heat" in names:
        assert names["heat"].shape == names["overlay"].shape == (90, 140, 3)
        assert names["names"]


def test_there_are_no_other_examples() -> None:
    assert len(EXAMPLES) == 2
