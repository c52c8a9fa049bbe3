"""How a plan ends: one file, two verdicts, and only this plan's own."""

from pathlib import Path
from typing import Any

import pytest

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.score import parts, publish, sequence
from pipelines.score import states as score_states
from pipelines.score.commit import Commit, Discard
from pipelines.score.discard import discard
from pipelines.score.plan import PlannedNight
from tests.drawn.night_plans import NIGHT, draw_night, plan_night, publish_night
from tests.runs.trees import everything


def test_a_plan_is_open_committed_or_discarded(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 9, night="2026-11-19")
    assert night.outcome() is None
    commit = publish_night(night)
    assert isinstance(commit, Commit)
    assert night.outcome() == night.commit() == commit
    hashes = [files.sha256(night.parts.uri(n)) for n in range(3)]
    assert night.part_hashes(commit) == hashes
    given_up = plan_night(tmp_path, 4)
    discard(given_up)
    assert isinstance(given_up.outcome(), Discard)
    with pytest.raises(
        SystemicFault, match=f"run_date={NIGHT}: .* discarded"
    ) as caught:
        given_up.commit()
    assert "\n" not in str(caught.value)


def _verdict(night: PlannedNight, kind: str, **changes: Any) -> Commit | Discard:
    plan = night.plan
    names: dict[str, Any] = {
        "run_date": plan.run_date,
        "sequence": plan.sequence,
        "plan_id": plan.plan_id,
    }
    if kind == "discarded":
        return Discard(**names | changes).identified()
    total = parts.add_up(night)
    return Commit(
        **names | changes,
        planned=plan.planned,
        files=(),
        parts=(),
        retries=(),
        writer="pyarrow",
        ok=total.ok,
        failed=total.failed,
        failures=total.failures,
        transient=total.transient,
    ).identified()


@pytest.mark.parametrize("kind", ["success", "discarded"])
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"plan_id": "0" * 64}, f"plan 1 of run_date={NIGHT} (0000000000000000)"),
        ({"run_date": "2026-11-19"}, "plan 1 of run_date=2026-11-19 "),
        ({"sequence": 9}, f"plan 9 of run_date={NIGHT} "),
    ],
    ids=["plan", "night", "sequence"],
)
def test_a_verdict_of_another_plan_is_refused_by_everybody(
    tmp_path: Path, kind: str, changes: dict[str, Any], named: str
) -> None:
    night = draw_night(tmp_path, 9)
    total = parts.add_up(night)
    verdict = _verdict(night, kind, **changes)
    assert verdict.is_sound
    files.write_atomically(night.folder.commit, verdict.encode())
    before = everything(tmp_path)
    for act in (
        night.outcome,
        lambda: publish.publish(night, total),
        lambda: discard(night),
        lambda: sequence.read_all(str(tmp_path)),
        lambda: plan_night(tmp_path, 3, night="2026-11-21"),
        lambda: score_states.states(str(tmp_path)),
    ):
        with pytest.raises(SystemicFault, match="got the commit of plan") as caught:
            act()
        assert f"got the commit of {named}" in str(caught.value)
        assert str(caught.value).startswith(f"{night.folder.commit}: ")
    assert everything(tmp_path) == before


def test_the_verdict_of_this_plan_is_taken(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 9)
    for kind in ("success", "discarded"):
        verdict = _verdict(night, kind)
        files.write_atomically(night.folder.commit, verdict.encode())
        assert night.outcome() == verdict


def test_what_fails_because_of_a_discard_is_named_as_one(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 9)
    with pytest.raises(SystemicFault, match="discarded meanwhile"), night.attempted():
        discard(night)
        raise FileNotFoundError(2, "No such file or directory", "/part")
    with pytest.raises(SystemicFault, match="discarded meanwhile"), night.attempted():
        pytest.fail("nothing is attempted any more")


def test_a_folder_that_is_gone_is_named_with_the_cure(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 9)
    with pytest.raises(SystemicFault) as caught, night.attempted():
        raise FileNotFoundError(2, "No such file or directory", "/out/masks/0/a.png")
    assert str(caught.value).startswith("/out/masks/0: got nothing there, ")
    assert str(caught.value).endswith(
        f"run fcn check {tmp_path} --run_date {NIGHT} --mend"
    )


def test_other_faults_of_an_attempt_stay_as_they_are(tmp_path: Path) -> None:
    night = draw_night(tmp_path, 9)
    with pytest.raises(PermissionError), night.attempted():
        raise PermissionError(13, "Permission denied", "/part")
