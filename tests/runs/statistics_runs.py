"""What tests of `fcn stats` share: data sets with a fault, and the command's answer."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fcn_core.records import dataset_info, tfrecord
from pipelines.cli import main


def stats(
    folder: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, Any], str]:
    """Runs the command; returns exit code, answer and standard error."""
    capsys.readouterr()
    code = main.main(["stats", str(folder), "--output", str(output), "--json"])
    printed = capsys.readouterr()
    return code, json.loads(printed.out) if printed.out else {}, printed.err


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
