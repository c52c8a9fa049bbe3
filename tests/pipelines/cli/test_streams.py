"""What is said never changes what was done: closed, full, left, foreign streams."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli import streams
from tests.runs import score_runs

ROOT = Path(__file__).resolve().parents[3]
SETTLED = "import sys\nfrom pipelines.cli import streams\nstreams.settle()\n"


def _shell(
    command: str, *words: str | Path, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Runs a line of bash; `"$@"` in it are the words."""
    return subprocess.run(
        ["bash", "-c", command, "bash", *map(str, words)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        check=False,
    )


def _python(
    code: str, how: str = "", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return _shell(f'"$@" {how}', sys.executable, "-c", SETTLED + code, **environment)


def test_what_an_encoding_lacks_is_spelt_as_json_spells_it() -> None:
    text = "caf\xe9 \u2588 \U0001f600 \udcff"
    ended = _python(f"print({text!r})", PYTHONIOENCODING="latin-1")
    assert ended.stdout == b"caf\xe9 \\u2588 \\ud83d\\ude00 \\udcff\n"
    assert _python(f"print({text!r}, file=sys.stderr)", PYTHONIOENCODING="ascii").stderr
    ended = _python(f"print({text!r})", PYTHONIOENCODING="utf-8")
    assert ended.stdout == "caf\xe9 \u2588 \U0001f600 \\udcff\n".encode()


def test_json_stays_json_in_every_encoding() -> None:
    value = {"\xe9": "\u2588\U0001f600"}
    code = f"import json; print(json.dumps({value!r}, ensure_ascii=False))"
    for encoding in ("ascii", "latin-1", "cp1252", "utf-8", "koi8-r"):
        printed = _python(code, PYTHONIOENCODING=encoding).stdout
        assert json.loads(printed.decode(encoding)) == value, encoding


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_place_of_a_closed_stream(
    tmp_path: Path, closed: str
) -> None:
    """Descriptors 0 to 2 are taken before any file of ours is opened."""
    kept = tmp_path / "kept"
    code = (
        f"file = open({str(kept)!r}, 'w'); assert file.fileno() > 2\n"
        "print('said'); print('said', file=sys.stderr)\n"
        "import os; os.write(1, b'raw'); os.write(2, b'raw')\n"
        "assert sys.stdin.read() == ''\n"
        "file.write('done'); file.close()\n"
    )
    stdin = "" if "<&-" in closed else "</dev/null"
    ended = _python(code, f"{closed} {stdin}")
    assert ended.returncode == 0, ended.stderr
    assert kept.read_text() == "done"


def test_a_full_disk_behind_the_output_is_reported_once_and_ends_nothing() -> None:
    code = "print('x' * 100_000)\nassert not streams.has_reader()\n"
    code += "print('more')\nstreams.report_loss()"
    ended = _python(code, ">/dev/full")
    assert ended.returncode == 0
    (line,) = ended.stderr.decode().splitlines()
    assert line.startswith("fcn: standard output: got no space left on device, ")
    assert _python("print(1, file=sys.stderr)", "2>/dev/full").returncode == 0


def test_a_reader_that_leaves_is_no_fault() -> None:
    code = "for _ in range(100_000): print('line')\n"
    code += "assert not streams.has_reader()\nstreams.report_loss()"
    ended = _shell(
        '"$@" | head -1; exit ${PIPESTATUS[0]}', sys.executable, "-c", SETTLED + code
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"line\n", b"")


def test_a_pipe_that_does_not_wait_gets_everything() -> None:
    code = "import os; os.set_blocking(1, False)\nprint('x' * 1_000_000)\n"
    ended = _shell('"$@" | (sleep 0.5; wc -c)', sys.executable, "-c", SETTLED + code)
    assert ended.stdout.strip() == b"1000001"


def test_streams_of_others_have_readers() -> None:
    assert streams.has_reader()  # pytest's own


SLOW = pytest.mark.slow

HOWS = {
    "latin-1": ("", {"PYTHONIOENCODING": "latin-1"}),
    "stdout": (">&-", {}),
    "all": ("<&- >&- 2>&-", {}),
    "full": (">/dev/full 2>/dev/full", {}),
    "left": ("| true; exit ${PIPESTATUS[0]}", {}),
}


@pytest.mark.parametrize(
    "name",
    [name if name == "all" else pytest.param(name, marks=SLOW) for name in HOWS],
)
def test_a_night_ends_with_the_code_of_its_work(tmp_path: Path, name: str) -> None:
    how, environment = HOWS[name]
    photos, out = tmp_path / "photos", tmp_path / "out"
    score_runs.add_photos(photos, 1)
    fcn = (sys.executable, "-m", "pipelines.cli")
    words = score_runs.words(photos, out, "--model", "quality", "--masks", "none")
    for night in (score_runs.NIGHT, score_runs.LATER[0]):
        ended = _shell(f'"$@" --run_date {night} {how}', *fcn, *words, **environment)
        assert ended.returncode == 0, ended.stderr
        assert b"Traceback" not in ended.stderr
    assert set(score_runs.statuses(score_runs.table(out)).values()) == {"ok"}
    (photos / "bad.jpg").write_bytes(b"\xff\xd8 no photo")
    last = f'"$@" --run_date {score_runs.LATER[1]} --max_error_rate 0 {how}'
    assert _shell(last, *fcn, *words, **environment).returncode == 3
    wrong = _shell(f'"$@" --no_such_flag 1 {how}', *fcn, *words, **environment)
    assert wrong.returncode == 2
