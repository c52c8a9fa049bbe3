"""`fcn status --verify` names the damaged chunk, and the command that mends just it."""

import json
import shlex
from pathlib import Path

from tests.pipelines.check.test_output import file_of, flip
from tests.runs.score_runs import NIGHT, fcn


def test_what_it_names_is_mended_by_what_it_prints(out: Path) -> None:
    ended = fcn("status", out, "--verify")
    assert ended.code == 0, ended.stdout
    assert ended.stdout.splitlines()[-1] == "verified: nothing is damaged"
    part = file_of(out, "part")
    flip(part)
    ended = fcn("status", out, "--verify", "--json")
    assert ended.code == 1
    (night,) = json.loads(ended.stdout)
    (damage,) = night["damages"]
    assert (damage["kind"], damage["chunk"]) == ("part", int(part.stem[-8:]))
    *_, command, last = fcn("status", out, "--verify").stdout.splitlines()
    assert command == f"fcn check {out} --run_date {NIGHT} --mend"
    assert last == "verified: 1 damaged"
    assert fcn(*shlex.split(command)[1:]).code == 0
    assert fcn("status", out, "--verify").code == 0


def test_it_does_not_watch_and_verify(out: Path) -> None:
    ended = fcn("status", out, "--verify", "--watch")
    assert (ended.code, ended.stderr.count("\n")) == (2, 1)
