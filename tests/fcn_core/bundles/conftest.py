"""A bundle that is nothing but files."""

from pathlib import Path

import pytest

from fcn_core.bundles.seal import seal
from tests.drawn.tiny_models import draw_card


def write_files(folder: Path) -> None:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"index")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"not ours")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_files(tmp_path)
    seal(draw_card(), tmp_path).write(tmp_path)
    return tmp_path
