"""Conversions name files by URIs only: a store that `files` knows is enough."""

import json
from pathlib import Path
from typing import Any

import pytest

from fcn_core.labels import VOC_CLASSES
from fcn_core.records.dataset_info import read_dataset_info
from pipelines import files
from tests.doubles.gcs import Bucket
from tests.drawn import tiny_ava, tiny_data
from tests.runs.convert_runs import convert
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")


def shards(tree: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in tree.items() if name.endswith(".tfrecord")}


@pytest.mark.parametrize("kind", ["voc", "ava", "folder"])
def test_a_store_gives_the_same_shards_as_a_folder(
    kind: str, bucket: Bucket, tmp_path: Path
) -> None:
    if kind == "voc":
        tiny_data.voc_tree(tmp_path / "in", train=3, val=1)
        named = {"input": "in"}
    elif kind == "ava":
        table, photos = tiny_ava.package(tmp_path / "in", count=8, test=2)
        named = {"input": f"in/{table.name}", "images": f"in/{photos.name}"}
    else:
        tiny_data.voc_tree(tmp_path / "in", train=3, val=1)
        named = {"input": "in/JPEGImages", "targets": "in/SegmentationClass"}
    flags = []
    if kind == "folder":  # the drawn labels have only some of VOC's classes
        label_map = {"classes": dict(enumerate(VOC_CLASSES))}
        (tmp_path / "map.json").write_text(json.dumps(label_map))
        flags = ["--label_map", str(tmp_path / "map.json")]
    bucket.put_tree(tmp_path / "in", "in")
    local: dict[str, Any] = {name: tmp_path / path for name, path in named.items()}
    assert convert(kind, tmp_path / "out", *flags, **local) == 0
    remote: dict[str, Any] = {name: bucket.uri(path) for name, path in named.items()}
    # Not a Path: it would make one slash of the two.
    assert convert(kind, bucket.uri("out"), *flags, **remote) == 0  # type: ignore[arg-type]
    written = bucket.tree("out")
    assert shards(written) == shards(everything(tmp_path / "out")) != {}
    assert not [name for name in written if name.startswith("_")]
    info = read_dataset_info(
        bucket.uri("out"), exists=files.exists, read=files.read_bytes
    )
    assert info.settings["input"] == bucket.uri(named["input"])
    assert not Path("gs:").exists()
