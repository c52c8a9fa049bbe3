"""Conversions name files by URIs only: a store that `files` knows is enough."""

from pathlib import Path
from typing import Any

import pytest

from fcn_core.records.dataset_info import read_dataset_info
from pipelines import files
from pipelines.files import uris
from tests.drawn import tiny_ava, tiny_data
from tests.runs.convert_runs import convert

_STORE = "gs://bucket"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands behind gs://bucket; only `files` knows."""
    behind, to_uri, to_path = tmp_path / "behind", files.to_uri, files.to_path
    walk = files.walk
    for module in (files, uris):
        monkeypatch.setattr(
            module,
            "to_uri",
            lambda path: path if str(path).startswith(_STORE) else to_uri(path),
        )
        monkeypatch.setattr(
            module,
            "to_path",
            lambda uri: (
                behind / uri.removeprefix(f"{_STORE}/")
                if uri.startswith(_STORE)
                else to_path(uri)
            ),
        )
    monkeypatch.setattr(
        files,
        "walk",
        lambda root, **leave_out: (
            uri.replace(str(behind), _STORE) if root.startswith(_STORE) else uri
            for uri in walk(root, **leave_out)
        ),
    )
    return behind


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.tfrecord")}


@pytest.mark.parametrize("kind", ["voc", "ava", "folder"])
def test_a_store_gives_the_same_shards_as_a_folder(
    kind: str, store: Path, tmp_path: Path
) -> None:
    if kind == "voc":
        tiny_data.voc_tree(store / "in", train=3, val=1)
        named = {"input": "in"}
    elif kind == "ava":
        table, photos = tiny_ava.package(store / "in", count=8, test=2)
        named = {"input": f"in/{table.name}", "images": f"in/{photos.name}"}
    else:
        tree = tiny_data.voc_tree(store / "in", train=3, val=1)
        assert tree == store / "in"
        named = {"input": "in/JPEGImages", "targets": "in/SegmentationClass"}
    local: dict[str, Any] = {name: store / path for name, path in named.items()}
    assert convert(kind, tmp_path / "out", **local) == 0
    remote: dict[str, Any] = {name: f"{_STORE}/{path}" for name, path in named.items()}
    # Not a Path: it would make one slash of the two.
    assert convert(kind, f"{_STORE}/out", **remote) == 0  # type: ignore[arg-type]
    assert shards(store / "out") == shards(tmp_path / "out") != {}
    info = read_dataset_info(store / "out")
    assert info.settings["input"] == f"{_STORE}/{named['input']}"
    assert not Path("gs:").exists()
