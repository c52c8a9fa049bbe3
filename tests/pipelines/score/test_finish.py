"""The same command again: what is missing of a finished night comes back, or is named.

Through `fcn score` itself, with a built-in model and three small photos.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines import files
from tests.runs import score_runs
from tests.runs.score_runs import LATER, NIGHT, Undisturbed
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")

FLAGS = ("--model", "voc21", "--chunk_size=2", "--lanes=1")

Damage = Callable[[Path], None]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGES: list[Damage] = [_cut, _empty, Path.unlink]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """A finished night."""
    return Undisturbed.score(tmp_path_factory.mktemp("finished"), 3, *FLAGS)


@pytest.fixture
def night(scored: Undisturbed) -> Iterator[Undisturbed]:
    """The finished night; after the test it is as it was before."""
    kept = scored.out.with_name("kept")
    shutil.copytree(scored.out, kept)
    yield scored
    shutil.rmtree(scored.out)
    kept.rename(scored.out)


def _again(night: Undisturbed) -> score_runs.Ended:
    return score_runs.score(night.photos, night.out, *FLAGS, "--json")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_table_is_restored(night: Undisturbed, damage: Damage) -> None:
    before = everything(night.out)
    (table,) = night.out.glob("scores/*/*.parquet")
    damage(table)
    ended = _again(night)
    assert (ended.code, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["computed"] == 3
    assert everything(night.out) == before


def test_a_table_without_its_mark_is_restored(night: Undisturbed) -> None:
    before = everything(night.out)
    shutil.rmtree(night.out / "scores")
    assert _again(night).code == 0
    assert everything(night.out) == before
    next(night.out.glob("scores/*/_SUCCESS")).unlink()
    assert _again(night).code == 0
    assert everything(night.out) == before


MEASURED = ("computed", "seconds", "images_per_second")
"""What a summary says of the attempt that wrote it."""


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_summary_is_written_again(night: Undisturbed, damage: Damage) -> None:
    before = everything(night.out)
    (summary,) = night.out.glob("report/*/summary.json")
    damage(summary)
    ended = _again(night)
    assert (ended.code, ended.stderr) == (0, "")
    after, name = everything(night.out), f"report/run_date={NIGHT}/summary.json"
    first, second = (json.loads(tree[name]) for tree in (before, after))
    for field in MEASURED:
        first.pop(field), second.pop(field)
    assert second.pop("command") != first.pop("command")  # with --json this time
    assert second == first
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed == {name, f"report/run_date={NIGHT}/index.html"}


@pytest.mark.parametrize("damage", [_empty, Path.unlink])
def test_an_empty_page_is_written_again(night: Undisturbed, damage: Damage) -> None:
    before = everything(night.out)
    (page,) = night.out.glob("report/*/index.html")
    damage(page)
    ended = _again(night)
    assert (ended.code, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["computed"] == 0
    assert everything(night.out) == before


def _cure(out: Path) -> str:
    return f"; run fcn check {out} --run_date {NIGHT} --mend\n"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_mask_is_named_with_its_cure(
    night: Undisturbed, damage: Damage
) -> None:
    mask = sorted(night.out.glob("masks/**/*.png"))[1]
    damage(mask)
    before = everything(night.out)
    ended = _again(night)
    assert (ended.code, ended.stdout) == (1, "")
    folder = score_runs.plan_folder(night.out).masks
    assert ended.stderr.startswith(f"fcn: {folder}: got masks of chunk 0 with ")
    assert ended.stderr.endswith(_cure(night.out))
    assert ended.stderr.count("\n") == 1
    assert everything(night.out) == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_part_is_named_with_its_cure(
    night: Undisturbed, damage: Damage
) -> None:
    damage(score_runs.part_paths(night.out)[1])
    ended = _again(night)
    assert (ended.code, ended.stdout) == (1, "")
    assert "chunk-00000001.parquet: " in ended.stderr
    assert ended.stderr.endswith(_cure(night.out))
    assert ended.stderr.count("\n") == 1


def test_a_table_without_a_commit_is_healed_by_its_own_command(
    night: Undisturbed,
) -> None:
    before = everything(night.out)
    files.remove(score_runs.plan_folder(night.out).commit)
    lost = everything(night.out)
    other = score_runs.score(night.photos, night.out, *FLAGS, night=LATER[0])
    given_up = score_runs.fcn("discard", night.out, "--run_date", NIGHT)
    for ended in (other, given_up):
        assert (ended.code, ended.stdout) == (1, "")
        assert "_COMMIT.json: got nothing there" in ended.stderr
        assert ended.stderr.endswith(_cure(night.out))
        assert ended.stderr.count("\n") == 1
    assert everything(night.out) == lost
    assert _again(night).code == 0
    assert everything(night.out) == before


@pytest.mark.parametrize(
    "words", [["status"], ["report"], ["replay"], ["discard", "--run_date", NIGHT]]
)
def test_an_output_of_the_second_version_is_refused(
    night: Undisturbed, words: list[str]
) -> None:
    plan = night.out / "_runs" / "plans" / "00000001.json"
    content = json.loads(plan.read_bytes())
    del content["index"]
    plan.write_text(json.dumps({**content, "schema_version": 2}))
    before = everything(night.out)
    command, *flags = words
    for ended in (score_runs.fcn(command, night.out, *flags), _again(night)):
        assert (ended.code, ended.stdout) == (2, "")
        assert ended.stderr.startswith(f"fcn: {plan}: got a plan of schema version 2, ")
        assert ended.stderr.count("\n") == 1
    assert everything(night.out) == before
