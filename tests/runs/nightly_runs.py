"""Calls of `fcn nightly` for tests: a file, folders of days, a clock, what came out."""

import datetime
import json
import zoneinfo
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from pipelines.nightly import dates
from tests.runs import score_runs
from tests.runs.score_runs import Ended

Day = datetime.date
SMALL: dict[str, Any] = {
    "masks": "none",
    "lanes": 1,
    "chunk_size": 16,
    "durable": False,
    "engine": "openvino",
    "precision": "f32",
}
"""Settings of small nights of a stub."""


@dataclass
class Bench:
    """A configuration, its photos by day, and its output.

    Attributes:
        root: A folder of its own.
        settings: Keys of the file besides input and output.
    """

    root: Path
    settings: dict[str, Any] = field(default_factory=lambda: dict(SMALL))

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def file(self) -> Path:
        return self.root / "nightly.yaml"

    def folder(self, day: Day) -> Path:
        return self.root / "photos" / day.isoformat()

    def put(self, day: Day, name: str, data: bytes) -> Path:
        """Writes a photo of a day, or another version of it."""
        path = self.folder(day) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        score_runs.rewrite(path, data)
        return path

    def write(self, **changes: Any) -> None:
        """Writes the file."""
        (self.root / "photos").mkdir(exist_ok=True)
        content = {
            "input": f"{self.root}/photos/{{date}}/",
            "output": str(self.out),
            **self.settings,
            **changes,
        }
        self.file.write_text(yaml.safe_dump(content))

    def call(self, *words: str | Path, **changes: Any) -> Ended:
        """Runs `fcn nightly`."""
        self.write(**changes)
        return score_runs.fcn("nightly", "--config", self.file, *words)

    def nights(self, *words: str | Path, **changes: Any) -> list[dict[str, Any]]:
        """Runs `fcn nightly --json`; returns its outcomes, however it ended."""
        ended = self.call("--json", *words, **changes)
        assert ended.stdout, ended.stderr
        answer = json.loads(ended.stdout)
        assert answer["exit_code"] == ended.code
        nights: list[dict[str, Any]] = answer["nights"]
        return nights

    def rows(self) -> list[Mapping[str, Any]]:
        """Returns the published rows of all nights, with their night."""
        found = list[Mapping[str, Any]]()
        for path in sorted((self.out / "scores").glob("run_date=*/*.parquet")):
            columns = ["image_uri", "version", "status", "fingerprint"]
            night = path.parent.name.removeprefix("run_date=")
            table = pq.read_table(path, columns=columns, partitioning=None)
            found += [{**row, "run_date": night} for row in table.to_pylist()]
        return found

    def commit(self, day: Day | str) -> dict[str, Any]:
        """Returns the commit of a night."""
        folder = score_runs.plan_folder(self.out, str(day))
        return json.loads(Path(folder.commit).read_bytes())


@contextmanager
def clock(day: Day, hour: float, timezone: str) -> Iterator[None]:
    """Makes it that hour of a day in a time zone while the block runs."""
    zone = zoneinfo.ZoneInfo(timezone)
    local = datetime.datetime.combine(day, datetime.time(), zone)
    local += datetime.timedelta(hours=hour)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dates, "now", lambda: local.astimezone(datetime.UTC))
        yield
