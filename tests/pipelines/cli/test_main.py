"""What a person gets wrong is one line: what, got, expected, cure."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fcn_core.records import dataset_info
from pipelines.cli import train
from tests.drawn import tiny_models, tiny_ratings
from tests.runs import score_runs
from tests.runs.trees import everything

pytestmark = pytest.mark.usefixtures("warm_lanes")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    score_runs.add_photos(folder, 1)
    return folder


def _check(words: list[str | Path], *, code: int = 2, says: tuple[str, ...]) -> None:
    """Checks the exit code, and that all output is one line with these parts."""
    ended = score_runs.fcn(*words)
    assert ended.code == code, ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.endswith("\n")
    (line,) = ended.stderr.splitlines()
    assert re.match(r"fcn( \w+)?: ", line)
    assert len(line) < 600
    for part in says:
        assert part in line


def _write_inputs(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "texts").mkdir()
    (folder / "texts" / "letter.txt").write_text("x")
    (folder / "texts" / "table.csv").write_text("x")
    (folder / "empty.txt").write_text("\n\n")
    (folder / "latin.txt").write_bytes(b"caf\xe9.jpg\n")
    (folder / "latin.csv").write_bytes(b"image_uri\ncaf\xe9.jpg\n")
    (folder / "column.csv").write_text("photo\na.jpg\n")
    (folder / "broken.parquet").write_bytes(b"PAR1 is how it starts")
    (folder / "film.mp4").write_bytes(b"x")
    (folder / "away.txt").write_text("s3://bucket/photo.jpg\n")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("missing", ("got nothing there", "check the path")),
        ("empty", ("got no photo", ".jpg")),
        ("texts", ("got no photo among 2 files", ".jpg")),
        ("*.jpg", ("got no match", "quote the pattern")),
        ("empty.txt", ("got no photo",)),
        ("latin.txt", ("UTF-8",)),
        ("latin.csv", ("UTF-8",)),
        ("column.csv", ("got the columns photo", "image_uri")),
        ("broken.parquet", ("broken.parquet", "expected")),
        ("film.mp4", ("got a .mp4 file", ".tfrecord")),
        ("away.txt", ("s3://bucket/photo.jpg", "got a s3:// location", "mount")),
        ("s3://bucket/photos", ("got a s3:// location", "copy the files")),
        ("s3://bucket/*.jpg", ("got a s3:// location", "copy the files")),
        ("https://example.org/p", ("got a https:// location",)),
    ],
)
def test_inputs_that_hold_no_photos(
    tmp_path: Path, source: str, says: tuple[str, ...]
) -> None:
    _write_inputs(tmp_path)
    where = source if "://" in source else os.fspath(tmp_path / source)
    out = tmp_path / "out"
    _check([*score_runs.words(where, out)], says=says)
    assert not out.exists(), "a refused command leaves nothing behind"


def test_outputs_that_cannot_be_written(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    for out in (file, file / "below", Path("/proc/out")):
        says = (f"--output {out}: got ", "expected a folder", "choose another")
        _check([*score_runs.words(photos, out)], says=says)
    assert file.read_text() == "in the way"


@pytest.mark.parametrize("out", ["s3://bucket/out", "https://bucket/out"])
def test_outputs_out_of_reach(
    photos: Path, tmp_path: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = score_runs.words(photos, tmp_path)
    words[words.index("--output") + 1] = out
    _check(
        [*words],
        says=(f"got a {out.partition(':')[0]}:// location", "expected a local path"),
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_data_that_is_not_finished_or_of_another_schema(
    tmp_path: Path, command: str
) -> None:
    record = tiny_ratings.draw_record(0, (1,) * 10)
    data = tiny_ratings.write_finished(tmp_path / "data", [record], 1)
    more: dict[str, list[str | Path]] = {
        "train": ["--recipe", "quality", "--output", tmp_path / "run"],
        "evaluate": ["--model", "quality", "--output", tmp_path / "out.json"],
    }
    words: list[str | Path] = [command, "--data", data, *more[command]]
    words += ["--split", "test"] if command == "evaluate" else []
    info = data / dataset_info.INFO_NAME
    text = info.read_text()
    info.write_text(text.replace('"schema_version": 1', '"schema_version": 9'))
    _check(words, says=(info.name, "schema_version", "convert the data set again"))
    info.write_text(text)
    (data / dataset_info.COMPLETED_NAME).unlink()
    _check(words, says=("without COMPLETED", "fcn convert"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_models_that_are_none(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "folder").mkdir()
    for name, says in {
        "voc12": ("--model", "voc12", "voc21"),
        os.fspath(tmp_path / "folder"): ("--model", "folder without model_card.json"),
        os.fspath(photos / "photo-000.jpg"): ("--model", "there is no model"),
        "s3://bucket/model": ("got a s3:// location", "expected a local path or gs://"),
    }.items():
        _check([*score_runs.words(photos, out, "--model", name)], says=says)
    assert not out.exists()


def test_two_models_of_one_task(photos: Path, tmp_path: Path) -> None:
    words = score_runs.words(photos, tmp_path / "out", "--model", "voc21", "voc21")
    says = ("--model", "got voc21 and voc21", "one segmentation model", "leave one out")
    _check([*words], says=says)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--max-side", "64"], ("--max-side", "did you mean --max_side?")),
        (["--chunksize=9"], ("--chunksize", "did you mean --chunk_size?")),
        (["--xyzzy"], ("--xyzzy", "got an unknown flag")),
        (["--chunk_size=many"], ("--chunk_size", "'many'", "integer")),
        (["--chunk_size=0"], ("--chunk_size", "'0'", "greater than or equal to 1")),
        (["--masks=gif"], ("--masks", "'gif'", "'png', 'tar' or 'none'")),
        (["--engine=onnx"], ("--engine", "'onnx'", "'openvino'")),
        (["--run_date=20.11.2026"], ("--run_date", "20.11.2026", "YYYY-MM-DD")),
        (["--run_date=2026-02-30"], ("--run_date", "2026-02-30", "YYYY-MM-DD")),
        (["--timezone=Mars/Phobos"], ("--timezone", "Mars/Phobos", "Europe/Berlin")),
        (["--max_error_rate=5%"], ("--max_error_rate", "5%", "number")),
        (["--max_error_rate=5"], ("--max_error_rate", "'5'", "less than or equal")),
        (["--rescore=perhaps"], ("--rescore", "'perhaps'")),
        (["--limit"], ("--limit", "expected one argument")),
        (["--config=gone.yaml"], ("--config", "gone.yaml", "expected a YAML file")),
        (["--runner=SparkRunner"], ("--runner", "SparkRunner", "FnApiRunner")),
        (["another"], ("another",)),
    ],
)
def test_flags_that_are_wrong(
    photos: Path, tmp_path: Path, flags: list[str], says: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    _check([*score_runs.words(photos, out), *flags], says=says)
    assert not out.exists()


def test_flags_that_are_missing(photos: Path, tmp_path: Path) -> None:
    _check(["score", "--output", tmp_path], says=("--input is missing", "a folder"))
    _check(["score", "--input", photos], says=("--output is missing", "folder for"))
    _check(["discard", tmp_path, "--run_date"], says=("--run_date",))
    _check(["discard", tmp_path], says=("--run_date is missing",))


def test_commands_that_are_none() -> None:
    _check(["scoer"], says=("got scoer", "did you mean score?"))
    _check(["xyzzy"], says=("got xyzzy", "see fcn --help"))


@pytest.mark.parametrize("command", ["status", "report", "replay"])
def test_outputs_that_are_none(tmp_path: Path, command: str) -> None:
    says = ("got no night", "expected an output of fcn score", "check the path")
    _check([command, tmp_path / "nowhere"], says=says)
    assert not (tmp_path / "nowhere").exists()


def test_nights_that_are_none(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    score_runs.leave_open(photos, out)
    night = ["--run_date", "1999-12-31"]
    says = ("got 1999-12-31", "a night of this output", score_runs.NIGHT)
    for command in ("status", "report", "discard"):
        _check([command, out, *night], says=says)
    _check(["report", out], says=("got no committed night", "finish it"))


def test_a_damaged_plan_stops_before_any_scoring(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    score_runs.scored(photos, out)
    plan = out / "_runs" / "plans" / "00000001.json"
    good = plan.read_bytes()
    (photos / "new.jpg").write_bytes(tiny_models.draw_photo(seed=9))
    words = score_runs.words(photos, out, night=score_runs.LATER[0])
    for damaged in (
        good[: len(good) // 2],
        good.replace(b'"planned": 1', b'"planned": 0'),
        b"",
    ):
        plan.write_bytes(damaged)
        before = everything(out)
        _check([*words], code=1, says=("00000001.json", "restore it from a copy"))
        assert everything(out) == before
    plan.write_bytes(good)
    assert score_runs.scored(photos, out, night=score_runs.LATER[0])["planned"] == 1


def test_ctrl_c_names_the_command_that_resumes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "train", interrupted)
    monkeypatch.setattr(train, "export", interrupted)
    ended = score_runs.fcn("train")
    assert ended.code == 130
    assert ended.stderr == (
        "fcn: interrupted; run the same command again with --resume\n"
    )
    message = score_runs.fcn("export").stderr
    assert message == "fcn: interrupted; run the same command again\n"


def test_a_command_does_what_python_does_at_an_exit() -> None:
    code = """
import atexit, sys
from pipelines.cli import main
atexit.register(print, "left behind")
sys.argv[1:] = ["--version"]
main.run()
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "left behind"


@pytest.mark.parametrize(
    "error", [RuntimeError("can't start new thread"), MemoryError()]
)
def test_a_limit_on_threads_or_memory_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refused(_: list[str]) -> int:
        raise error

    monkeypatch.setattr(train, "train", refused)
    ended = score_runs.fcn("train")
    assert ended.code == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"fcn: got {str(error) or 'no memory'}, expected room for")
    assert "run the same command again" in line


def test_other_faults_of_the_program_stay_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: list[str]) -> int:
        raise RuntimeError("a fault of the program")

    monkeypatch.setattr(train, "train", broken)
    with pytest.raises(RuntimeError, match="a fault of the program"):
        score_runs.fcn("train")
