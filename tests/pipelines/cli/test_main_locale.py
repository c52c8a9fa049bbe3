"""Names of photos are the same texts under a locale of another encoding."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs import score_runs

ROOT = Path(__file__).resolve().parents[3]
LOCALE = "en_US.ISO-8859-1"


@pytest.fixture
def latin(tmp_path: Path) -> dict[str, str]:
    """An environment whose locale is Latin-1, made for the test."""
    if shutil.which("localedef") is None:
        pytest.skip("needs localedef, which is not installed")
    folder = tmp_path / "locales"
    folder.mkdir()
    words = ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(folder / LOCALE)]
    made = subprocess.run(words, capture_output=True, check=False)
    environment = dict(os.environ) | {"LOCPATH": str(folder), "LC_ALL": LOCALE}
    for name in ("PYTHONUTF8", "PYTHONIOENCODING"):
        environment.pop(name, None)
    code = "import sys; print(sys.getfilesystemencoding())"
    found = subprocess.check_output([sys.executable, "-c", code], env=environment)
    if b"8859-1" not in found:
        pytest.skip(f"localedef makes no {LOCALE}: {made.stderr.decode()}")
    return environment


def test_a_night_in_latin_1_names_the_photos_of_a_night_in_utf_8(
    tmp_path: Path, latin: dict[str, str]
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    score_runs.add_photos(photos, 1)
    (photos / "photo-000.jpg").rename(photos / "f\xe9e.jpg")

    def run(environment: dict[str, str], night: str) -> subprocess.CompletedProcess:
        words = score_runs.words(photos, out, "--model", "quality", "--masks", "none")
        return subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *words, "--run_date", night],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            check=False,
        )

    first = run(latin, score_runs.NIGHT)
    assert first.returncode == 0, first.stderr
    (row,) = score_runs.table(out)
    assert (row["image_uri"], row["status"]) == (str(photos / "f\xe9e.jpg"), "ok")
    again = run(dict(os.environ), score_runs.LATER[0])
    assert again.returncode == 0, again.stderr
    assert b"1 skipped" in again.stdout + again.stderr
    (photos / "f\xe9e.jpg").unlink()
    missing = run(latin, score_runs.LATER[1])
    refused = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "models", "show", "f\xe9e"],
        cwd=ROOT,
        env=latin,
        capture_output=True,
        check=False,
    )
    assert missing.returncode == refused.returncode == 2
    assert b"f\xe9e" in refused.stderr  # as the locale has it, not as UTF-8 has it
