"""An output folder as its readers see it; the one place that knows names in it.

Below `_runs/` and `masks/` files are found by what they are, at any depth. Results are
judged by what is public: the tables, `_SUCCESS`, `mask_path` and `mask_sha256` of rows.
"""

import collections
import hashlib
import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

ROLES: Final = {
    role: re.compile(pattern)
    for role, pattern in {
        "plan": r"_runs/(.*/)?plans/\d+\.json",
        "discard": r"_runs/(.*/)?plans/\d+\.discarded",
        "piece": r"_runs/(.*/)?piece-[^/]*\.parquet",
        "index": r"_runs/(.*/)?plan/(keys|parts|retries|statistics)-[^/]*\.bin",
        "part": r"_runs/(.*/)?chunk-\d+\.parquet",
        "commit": r"_runs/(.*/)?_COMMIT\.json",
        "refusal": r"_runs/(.*/)?_FAILED",
        "pruned": r"_runs/(.*/)?_PRUNED\.json",
        "table": r"scores/run_date=[^/]+/[^/.][^/]*\.parquet",
        "success": r"scores/run_date=[^/]+/_SUCCESS[^/]*",
        "mask": r"masks/(.*/)?[^/.][^/]*\.(png|tar)",
        "summary": r"report/(.*/)?summary\.json",
        "page": r"report/(.*/)?index\.html",
    }.items()
}
"""What a file is, by its path in the output."""

Rows = list[dict[str, Any]]


def role_of(name: str) -> str | None:
    """Returns what a file of an output is; None where it is none of the known."""
    found = (r for r, pattern in ROLES.items() if pattern.fullmatch(name))
    return next(found, None)


def rows_of(data: bytes, columns: list[str] | None = None) -> Rows:
    """Returns the rows of a Parquet file."""
    return pq.ParquetFile(io.BytesIO(data)).read(columns=columns).to_pylist()


@dataclass(frozen=True)
class Output:
    """An output of `fcn score`, at any moment of its life."""

    root: Path

    def files(self, *roles: str) -> list[Path]:
        """Returns the files of some roles, or all files, sorted."""
        return [
            path
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and (not roles or role_of(self.name(path)) in roles)
        ]

    def name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def bytes_of(self, *tops: str) -> dict[str, bytes]:
        """Returns the bytes of every file below some folders, by name."""
        found = ((self.name(path), path) for path in self.files())
        return {
            name: path.read_bytes()
            for name, path in found
            if not tops or name.partition("/")[0] in tops
        }

    def temporaries(self) -> list[str]:
        """Returns what a killed attempt left half-written, hidden names all."""
        return [
            name
            for name in map(self.name, sorted(self.root.rglob(".*")))
            if "/." not in f"/{name}"[: name.rfind("/") + 1]
        ]

    def nights(self) -> list[str]:
        """Returns the published nights: those with `_SUCCESS`."""
        return [
            path.parent.name[9:] + path.name[8:].replace("-", ".", 1)
            for path in self.files("success")
        ]

    def pruned(self) -> list[str]:
        """Returns the nights whose masks a rule has removed, perhaps not all yet."""
        return [path.parents[1].name[9:] for path in self.files("pruned")]

    def rows(self, night: str) -> Rows:
        """Returns the published rows of a night, in the table's order."""
        date, _, replay = night.partition(".")
        folder = self.root / "scores" / f"run_date={date}"
        stem = f"scores-{replay}-" if replay else "scores-"
        names = re.compile(rf"{stem}[0-9]{{5}}-of-[0-9]{{5}}\.parquet")
        return [
            row
            for path in self.files("table")
            if path.parent == folder and names.fullmatch(path.name)
            for row in rows_of(path.read_bytes())
        ]

    def mask(self, mask_path: str) -> bytes | None:
        """Returns the mask of a row's `mask_path`; None where there is none."""
        container, _, member = mask_path.partition("#")
        path = self.root / container
        if not path.is_file():
            return None
        if not member:
            return path.read_bytes()
        with tarfile.open(path) as tar:
            names = [entry.name for entry in tar.getmembers()]
            file = tar.extractfile(member) if member in names else None
            return file.read() if file else None

    def readable(self) -> dict[str, Any]:
        """Returns what readers get: the rows of each night, and each row's mask."""
        found: dict[str, Any] = {}
        for night in self.nights():
            rows = self.rows(night)
            found[night] = rows
            for row in rows:
                if row["mask_path"]:
                    found[row["mask_path"]] = self.mask(row["mask_path"])
        return found


def problems(out: Path) -> list[str]:
    """Returns what is wrong with what an output shows, at any moment of its life."""
    return list(_problems(Output(out)))


def _problems(output: Output) -> Iterator[str]:
    published: collections.Counter[tuple[str, ...]] = collections.Counter()
    keys: collections.Counter[str] = collections.Counter()
    for night in output.nights():
        try:
            rows = output.rows(night)
        except Exception as error:
            yield f"the published table of {night} is no table: {error!r}"
            continue
        if not rows:
            date = night.partition(".")[0]
            tables = [p for p in output.files("table") if date in p.parent.name]
            if not tables:
                yield f"{night} has _SUCCESS, but no table"
        for row in rows:
            keys[f"{night} {row['image_key']}"] += 1
            if row["status"] == "ok":
                names = ("image_uri", "version", "fingerprint")
                published[tuple(str(row[name]) for name in names)] += 1
        if night not in output.pruned():
            yield from _mask_problems(output, night, rows)
    twice = [key for key, count in (keys | published).items() if count > 1]
    if twice:
        yield f"{len(twice)} photos have two published rows, such as {twice[0]}"


def _mask_problems(output: Output, night: str, rows: Rows) -> Iterator[str]:
    wrong = collections.defaultdict(list)
    for row in rows:
        if row["mask_path"] is None:
            if row["mask_sha256"] is not None:
                wrong["names no mask, but has its sha256"].append(row["image_key"])
            continue
        mask = output.mask(row["mask_path"])
        if mask is None:
            wrong["has a mask that is not there"].append(row["mask_path"])
        elif hashlib.sha256(mask).hexdigest() != row["mask_sha256"]:
            what = "an empty mask" if not mask else "a mask of another sha256"
            wrong[f"has {what}"].append(row["mask_path"])
    for what, places in wrong.items():
        yield f"{night}: {len(places)} of {len(rows)} rows {what}, such as {places[0]}"


def planned_problems(out: Path, uris: Iterable[str]) -> list[str]:
    """Returns which photos are in no published night, or in two, in any version."""
    output = Output(out)
    rows = [row for night in output.nights() for row in output.rows(night)]
    latest = collections.Counter(
        row["image_uri"] for row in rows if row["status"] == "ok"
    )
    wrong = {uri: latest[uri] for uri in uris if latest[uri] != 1}
    if not wrong:
        return []
    return [f"{len(wrong)} photos not once ok, such as {min(wrong.items())}"]
