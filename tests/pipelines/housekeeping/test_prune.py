"""`fcn prune`: masks go by rule, scores stay, and nobody calls it damage."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines import files
from pipelines.faults import SystemicFault, UsageError
from pipelines.housekeeping import prune as prune_room
from pipelines.housekeeping.prune import Rule, prune
from pipelines.housekeeping.removal import Line
from pipelines.score import pruned
from tests.drawn.night_plans import draw_night, publish_night
from tests.pipelines.housekeeping.conftest import FLAGS, OLD, TODAY, YOUNG
from tests.runs import score_runs
from tests.runs.score_runs import fcn
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")

RULE = Rule(30, TODAY)


def kept(out: Path, whole: Path) -> list[str]:
    """Returns the files that are there no more; all others have their bytes."""
    before, after = everything(whole / "out"), everything(out)
    left = {name: data for name, data in after.items() if "_PRUNED" not in name}
    assert left == {name: before[name] for name in left}
    return sorted(before.keys() - after.keys())


def test_old_masks_go_and_all_else_stays(whole: Path, out: Path) -> None:
    masks = {
        name: data
        for name, data in everything(out).items()
        if f"masks/run_date={OLD}" in name
    }
    size = sum(map(len, masks.values()))
    (line,) = prune(str(out), rule=RULE, preview=False)
    assert line == Line(OLD, "masks", 3, size)
    assert kept(out, whole) == sorted(masks)
    assert prune(str(out), rule=RULE, preview=False) == []
    record = pruned.find(score_runs.plan_folder(out, OLD))
    assert record is not None
    assert (record.masks, record.bytes, record.pruned_on) == (3, size, TODAY)
    assert pruned.find(score_runs.plan_folder(out, YOUNG)) is None


def test_a_preview_removes_nothing(whole: Path, out: Path) -> None:
    seen = prune(str(out), rule=RULE, preview=True)
    assert everything(out) == everything(whole / "out")
    assert prune(str(out), rule=RULE, preview=False) == seen


@pytest.mark.parametrize(
    ("days", "nights"), [(61, []), (60, [OLD]), (15, [OLD, YOUNG])]
)
def test_a_night_goes_on_the_day_that_the_rule_names(
    out: Path, days: int, nights: list[str]
) -> None:
    lines = prune(str(out), rule=Rule(days, TODAY), preview=True)
    assert [line.run_date for line in lines] == nights


def test_every_command_says_that_a_rule_removed_them(out: Path, tmp_path: Path) -> None:
    prune(str(out), rule=RULE, preview=False)
    text = f"masks pruned on {TODAY} by rule (--masks_after 30d)"
    old, young = json.loads(fcn("status", out, "--json").stdout)
    assert (old["pruned"], old["damage"]) == (text, None)
    assert (young["pruned"], young["damage"]) == (None, None)
    assert text in fcn("status", out).stdout
    checked = fcn("check", out, "--json")
    found = json.loads(checked.stdout)
    assert (checked.code, found["damages"], found["pruned"]) == (0, [], {OLD: text})
    assert text in fcn("check", out).stdout
    assert fcn("report", out, "--run_date", OLD).code == 0
    page = (out / f"report/run_date={OLD}/index.html").read_text()
    assert text in page
    ended = fcn("replay", out, "--lanes=1")
    assert f"masks of 1 night are pruned by rule ({OLD})" in ended.stderr


def test_the_night_is_still_done(whole: Path, out: Path) -> None:
    """The same command finds it finished; `check --mend` brings no mask back."""
    prune(str(out), rule=RULE, preview=False)
    flags = (*FLAGS, f"--masks={whole.name.rstrip('0123456789')}")
    summary = score_runs.scored(whole / "photos", out, *flags, night=OLD)
    assert summary["computed"] == 0
    part = score_runs.part_paths(out, OLD)[0]
    before = part.read_bytes()
    part.unlink()
    assert fcn("check", out, "--mend", "--lanes=1").code == 0
    assert part.read_bytes() == before
    assert not (out / f"masks/run_date={OLD}/00000001").exists()


def test_what_was_left_over_goes(whole: Path, out: Path) -> None:
    folder = score_runs.plan_folder(out, YOUNG)
    png = next(
        name for name in everything(out) if name.startswith(f"masks/run_date={YOUNG}")
    )
    late = (
        out
        / Path(png).parent
        / (
            "late-" + "0" * 20 + ".png"
            if png.endswith(".png")
            else f"chunk-00000000-{'0' * 64}.tar"
        )
    )
    late.write_bytes(b"late")
    half = Path(folder.scores) / f".scores.{'0' * 16}.tmp"
    half.write_bytes(b"half")
    lines = prune(str(out), rule=None, preview=False)
    assert lines == [Line(YOUNG, "unnamed mask", 1, 4), Line(YOUNG, "temporary", 1, 0)]
    assert kept(out, whole) == []
    assert everything(out) == everything(whole / "out")


def test_nothing_of_an_open_night_goes(out: Path, whole: Path) -> None:
    night = "2020-01-02"
    score_runs.add_photos(whole / "photos", 4, first=50)
    try:
        opened = score_runs.leave_open(
            whole / "photos", out, *FLAGS, "--masks=png", night=night, chunks=1
        )
    finally:
        for path in (whole / "photos").glob("photo-05?.jpg"):
            path.unlink()
    for place in (opened.folder.run, opened.folder.masks, str(out)):
        (Path(place) / f".half.{'1' * 16}.tmp").write_bytes(b"half")
    before = everything(out)
    prune(str(out), rule=Rule(0, TODAY), preview=False)
    after = everything(out)
    assert [
        n for n in before.keys() - after.keys() if night in n or n.startswith(".")
    ] == []
    assert fcn("discard", out, "--run_date", night).code == 0
    (
        out / "masks" / f"run_date={night}" / "00000003"
    ).mkdir()  # what a late writer made
    lines = prune(str(out), rule=None, preview=False)
    assert Line(night, "left over", 1) in lines
    assert not (out / f".half.{'1' * 16}.tmp").exists()


@pytest.mark.parametrize(
    "killed_at", ["before the record", "after it", "before the end"]
)
def test_a_killed_prune_goes_on(
    out: Path, killed_at: str, monkeypatch: pytest.MonkeyPatch, whole: Path
) -> None:
    calls: list[str] = []

    def remove(out: str, removal: Any) -> None:
        if killed_at == "before the record":
            raise KeyboardInterrupt
        monkeypatch.setattr(files, "remove_folder", half_removed)
        real(out, removal)

    def half_removed(uri: str) -> None:
        calls.append(uri)
        if killed_at == "before the end":  # as an object store removes: file by file
            files.remove(next(iter(files.walk(uri))))
        raise KeyboardInterrupt

    real = prune_room.remove
    with monkeypatch.context() as patched:
        patched.setattr(prune_room, "remove", remove)
        with pytest.raises(KeyboardInterrupt):
            prune(str(out), rule=RULE, preview=False)
        monkeypatch.undo()
    assert len(calls) == (killed_at != "before the record")
    assert fcn("status", out).code == 0
    prune(str(out), rule=Rule(30, "2020-03-02"), preview=False)
    assert not (out / f"masks/run_date={OLD}/00000001").exists()
    assert json.loads(fcn("check", out, "--json").stdout)["damages"] == []
    record = pruned.find(score_runs.plan_folder(out, OLD))
    day = "2020-03-02" if killed_at == "before the record" else TODAY
    assert record is not None and record.pruned_on == day


def test_a_damaged_record_is_named(out: Path) -> None:
    prune(str(out), rule=RULE, preview=False)
    place = Path(score_runs.plan_folder(out, OLD).pruned)
    place.write_bytes(place.read_bytes().replace(b"30", b"31"))
    found = json.loads(fcn("check", out, "--json").stdout)
    assert [(d["kind"], d["cure"]) for d in found["damages"]] == [
        ("pruned", pruned.CURE)
    ]
    with pytest.raises(SystemicFault, match="remove it, and run the same fcn prune"):
        prune(str(out), rule=RULE, preview=False)
    place.unlink()
    prune(str(out), rule=RULE, preview=False)
    assert json.loads(fcn("check", out, "--json").stdout)["damages"] == []


def test_an_output_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected an output of fcn score"):
        prune(str(tmp_path), rule=RULE, preview=False)


def test_nights_without_masks_on_the_disk_are_pruned_too(tmp_path: Path) -> None:
    """Somebody removed the masks without the rule: it makes that the rule's."""
    night = draw_night(tmp_path, 9, night=OLD)
    publish_night(night)
    files.remove_folder(night.folder.masks)
    (line,) = prune(str(tmp_path), rule=RULE, preview=False)
    assert (line.number, line.bytes) == (7, 0)
    (state,) = json.loads(fcn("status", tmp_path, "--json").stdout)
    assert state["damage"] is None
