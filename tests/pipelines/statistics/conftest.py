"""The data set that tests of `fcn stats` share."""

from pathlib import Path
from typing import Any

import pytest

from fcn_core.datasets.pascal import drawn
from tests.runs import convert_runs


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stats")
    drawn.write_voc(root / "VOC", train=9, val=4)
    flags: dict[str, Any] = {"input": root / "VOC", "num_shards": 3}
    assert convert_runs.convert("voc", root / "records[1]", **flags) == 0
    return root / "records[1]"
