"""What `fcn nightly` refuses in one line, and how several jobs end."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles import stub_scoring
from tests.doubles.stub_scoring import Machine, photo
from tests.runs import score_runs
from tests.runs.nightly_runs import SMALL

NIGHT = ("--run_date", "2026-11-20")


@pytest.fixture
def machine() -> Iterator[Machine]:
    with stub_scoring.stub() as machine:
        yield machine


def _write(folder: Path, text: str) -> Path:
    path = folder / "nightly.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--backfil"], "did you mean --backfill?"),
        (["--backfill"], "expected --backfill, --from and --to together"),
        (["--from", "2026-11-01"], "expected --backfill, --from and --to together"),
        (["--together"], "expected --backfill beside --together"),
        (["--accept", " "], "expected a reason after --accept"),
        (["--run_date", "tomorrow"], "expected YYYY-MM-DD or today or yesterday"),
        (["--job", "b"], "--job: got b, expected one of out"),
        (["--input", "x"], "beside --init only"),
        (["--backfill", "--from", "2026-11-02", "--to", "2026-11-01"], "no day after"),
        (["--backfill", "--from", "2026-11-01", "--to", "2026-11-02"], "--together"),
    ],
)
def test_words_that_cannot_be_meant(
    tmp_path: Path, words: list[str], expected: str
) -> None:
    file = _write(tmp_path, f"input: {tmp_path}/photos\noutput: {tmp_path}/out\n")
    ended = score_runs.fcn("nightly", "--config", file, *words)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert expected in ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_file_is_needed_and_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = score_runs.fcn("nightly")
    assert ended.code == 2
    assert "--config is missing" in ended.stderr
    assert "got no such file" in score_runs.fcn("nightly", "--config", "x.yaml").stderr
    made = score_runs.fcn("nightly", "--init", "--input", "a", "--output", "b")
    assert (made.code, Path("nightly.yaml").exists()) == (0, True)
    again = score_runs.fcn("nightly", "--init", "--input", "a", "--output", "b")
    assert again.code == 2
    assert "expected a new file" in again.stderr
    monkeypatch.setattr("sys.stdin", None)
    asked = score_runs.fcn("nightly", "--init", "--config", "c.yaml")
    assert asked.code == 2
    assert "--input: got nothing" in asked.stderr


def test_the_worst_of_several_jobs_wins(tmp_path: Path, machine: Machine) -> None:
    del machine
    (tmp_path / "good").mkdir()
    (tmp_path / "rotten").mkdir()
    (tmp_path / "good/a.jpg").write_bytes(photo(1))
    (tmp_path / "rotten/a.jpg").write_bytes(photo(2, bad=True))
    jobs = [
        {"input": f"{tmp_path}/{name}", "output": f"{tmp_path}/out/{name}"}
        for name in ("good", "rotten", "gone")
    ]
    file = _write(tmp_path, json.dumps({**SMALL, "jobs": jobs}))
    words = ("nightly", "--config", file, *NIGHT)
    ended = score_runs.fcn(*words, "--json", "--job", "good", "rotten")
    assert ended.code == 3
    nights = json.loads(ended.stdout)["nights"]
    assert [night["exit_code"] for night in nights] == [0, 3]
    assert nights[1]["reasons"] == ["none of 1 succeeded"]
    ended = score_runs.fcn(*words)
    assert ended.code == 2
    assert "fcn nightly: gone run_date=2026-11-20: --input " in ended.stderr
    assert "fcn nightly: rotten run_date=2026-11-20: not published" in ended.stderr
    assert "good  run_date=2026-11-20\n1 planned  1 ok" in ended.stdout


def test_what_is_in_force_is_printed(tmp_path: Path) -> None:
    file = _write(tmp_path, "input: a\noutput: b\nchunk_size: 7\n")
    ended = score_runs.fcn("nightly", "--config", file, "--print_config", "--json")
    assert ended.code == 0
    (job,) = json.loads(ended.stdout)["jobs"]
    assert (job["chunk_size"], job["gates"]["max_psi"]) == (7, 0.25)
