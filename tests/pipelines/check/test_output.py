"""What `fcn check` finds: every damage of a night, named with its file and its cure."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.runs import score_runs
from tests.runs.score_runs import NIGHT

pytestmark = pytest.mark.usefixtures("warm_lanes")

Act = Callable[[Path], object]


def check(out: Path, *more: str) -> tuple[int, dict[str, Any]]:
    ended = score_runs.fcn("check", out, "--json", *more)
    assert ended.code in (0, 1), ended.stderr
    return ended.code, json.loads(ended.stdout)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(bytes(data))


WAYS = pytest.mark.parametrize("way", [cut, empty, flip, Path.unlink])

FILES = {
    "piece": "_runs/run_date=*/*/plan/piece-*.parquet",
    "index": "_runs/run_date=*/*/plan/keys-*.bin",
    "hashes": "_runs/run_date=*/*/plan/parts-*.bin",
    "statistics": "_runs/run_date=*/*/plan/statistics-*.bin",
    "part": "_runs/run_date=*/*/parts/chunk-00000001.parquet",
    "table": "scores/run_date=*/scores-*.parquet",
    "mask": "masks/run_date=*/*/chunk-00000000*",
    "summary": "report/run_date=*/summary.json",
    "page": "report/run_date=*/index.html",
}


def file_of(out: Path, kind: str) -> Path:
    (path,) = out.glob(FILES[kind])
    return min(path.iterdir()) if path.is_dir() else path


def test_a_whole_night_has_no_damage(out: Path) -> None:
    code, found = check(out)
    assert (code, found["damages"], found["nights"]) == (0, [], 1)
    assert found["files"] == {
        "plan": 1,
        "piece": 1,
        "index": 3,
        "part": 3,
        "mask": 4,
        "commit": 1,
        "table": 1,
    }


@WAYS
@pytest.mark.parametrize("kind", [name for name in FILES if name != "summary"])
def test_every_damage_is_named(out: Path, kind: str, way: Act) -> None:
    if kind == "page" and way is flip:
        pytest.skip("a page has no hash: it is made again by fcn report")
    path = file_of(out, kind)
    way(path)
    code, found = check(out)
    assert code == 1
    (damage,) = found["damages"]
    of_plan = {"hashes": "index", "statistics": "index"}
    assert damage["kind"] == of_plan.get(kind, kind)
    assert damage["run_date"] == NIGHT
    assert out / damage["path"].partition("#")[0] == path
    assert damage["cure"] == ("restore it from a copy" if kind == "piece" else "--mend")


def test_a_summary_that_is_not_the_nights_is_named(out: Path) -> None:
    path = file_of(out, "summary")
    summary = json.loads(path.read_text())
    for text in ("", "{", json.dumps(summary | {"ok": 5})):
        path.write_text(text)
        code, found = check(out)
        assert (code, found["damages"][0]["kind"]) == (1, "summary")


def test_a_sample_of_the_masks_is_read(out: Path) -> None:
    for most, expected in (("0", 0), ("1", 2), ("3", 4), ("all", 4)):
        _, found = check(out, "--masks", most)
        assert found["files"].get("mask", 0) == expected  # at least one a chunk


@pytest.mark.parametrize(
    "name",
    [
        ".probe.0123456789abcdef.tmp",
        f"report/run_date={NIGHT}/.summary.json.0123456789abcdef.tmp",
        f"scores/run_date={NIGHT}/.x.0123456789abcdef.tmp",
        f"masks/run_date={NIGHT}/00000001/chunk-00000000/.x.0123456789abcdef.tmp",
        f"masks/run_date={NIGHT}/00000001/chunk-00000000/stranger.png",
        "_runs/plans/.00000002.json.0123456789abcdef.tmp",
    ],
)
def test_what_is_left_over_is_named_and_removed(out: Path, name: str) -> None:
    path = out / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    code, found = check(out)
    assert code == 1
    assert [(d["kind"], d["path"]) for d in found["damages"]] == [("left over", name)]
    code, found = check(out, "--mend")
    assert (code, found["mended"]) == (0, 1)
    assert not path.exists()


def test_a_strange_table_is_named_and_left(out: Path) -> None:
    stranger = out / "scores" / f"run_date={NIGHT}" / "mine.parquet"
    stranger.write_bytes(file_of(out, "table").read_bytes())
    code, found = check(out, "--mend")
    (damage,) = found["damages"]
    assert (code, damage["cure"]) == (1, "move it away")
    assert stranger.exists()


@pytest.mark.parametrize("gone", ["plans/00000001.json", "plans"])
def test_a_plan_that_is_gone_is_named(out: Path, gone: str) -> None:
    path = out / "_runs" / gone
    path.rename(out.parent / "kept")
    code, found = check(out)
    (damage,) = found["damages"]
    assert (code, damage["kind"]) == (1, "plan")
    assert damage["path"] == "_runs/plans/00000001.json"
    assert "restore it from a copy" in damage["cure"]


def test_no_output_and_no_night_are_bad_usage(out: Path, tmp_path: Path) -> None:
    for words in ((tmp_path / "none",), (out, "--run_date", "2020-01-01")):
        ended = score_runs.fcn("check", *words)
        assert ended.code == 2
        assert "got no night" in ended.stderr
    assert score_runs.fcn("check", out, "--masks", "some").code == 2
