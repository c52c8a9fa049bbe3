"""Runs of `fcn stats` for tests, and data sets that were tampered with."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fcn_core.records import dataset_info, tfrecord
from fcn_core.records.record import ImageRecord
from pipelines.cli import main
from pipelines.statistics.checks import Findings
from pipelines.statistics.plan import plan_statistics
from pipelines.statistics.shard import read_shard

pytest.importorskip("tfx_bsl", reason="tfx-bsl (fcn[stats]) is not installed")


def stats(
    folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any], str]:
    """Runs the command; returns exit code, answer and what it complained about."""
    capsys.readouterr()
    code = main.main(["stats", str(folder), "--output", str(output), "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else {}, said.err


def rewritten(
    data: Path,
    folder: Path,
    change: Callable[[list[bytes]], Sequence[bytes]],
    *,
    settings: dict[str, Any] | None = None,
) -> Path:
    """Copies a data set with one shard changed, as a converter with a fault would."""
    folder.mkdir()
    for path in data.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    info = dataset_info.read_dataset_info(data)
    name = next(s.name for s in info.splits["train"].files if s.records > 1)
    frames = list(change(list(tfrecord.read_frames(data / name))))
    with (folder / name).open("wb") as file:
        for frame in frames:
            tfrecord.write_frame(file, frame)
    content = (folder / name).read_bytes()
    raw = json.loads(info.to_json())
    raw["settings"] |= settings or {}
    train = raw["splits"]["train"]
    for shard in train["files"]:
        if shard["name"] == name:
            gained = len(frames) - shard["records"]
            digest = hashlib.sha256(content).hexdigest()
            shard |= {"records": len(frames), "bytes": len(content), "sha256": digest}
    train |= {
        "records": train["records"] + gained,
        "read": train["read"] + gained,
    }
    (folder / dataset_info.INFO_NAME).write_text(json.dumps(raw))
    return folder


def changed(
    record_type: type[ImageRecord], **values: Any
) -> Callable[..., list[bytes]]:
    """Returns what gives the first record other values, whatever its domain says."""

    def change(frames: list[bytes]) -> list[bytes]:
        record = record_type.parse(frames[0])
        example = tfrecord.example_class().FromString(frames[0])
        for name, value in values.items():
            key = record_type.__dataclass_fields__[name].metadata["feature"].key
            slot = example.features.feature[key]
            filled = getattr(slot, slot.WhichOneof("kind")).value
            del filled[:]
            filled.extend(value if isinstance(value, list) else [value])
        assert record.source_id
        return [example.SerializeToString(deterministic=True), *frames[1:]]

    return change


def findings(folder: Path) -> Findings:
    """Returns what is wrong with the changed shard; no graph around it."""
    plan = plan_statistics(str(folder), None)
    shard = next(s for split, s in plan.shards if split == "train" and s.records > 1)
    uri = str(folder / shard.name)
    return read_shard(uri, shard, plan.plan.how).contents.findings
