"""What importing OpenVINO and Keras does besides: told by fresh processes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs.trees import everything

ROOT = Path(__file__).resolve().parent.parent.parent


def _run(code: str, home: Path, **environment: str) -> list[str]:
    """Runs code in a fresh process with an empty home; returns the printed lines."""
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    home.mkdir(exist_ok=True)
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=kept | {"HOME": str(home), "TMPDIR": str(home.parent)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_openvino_comes_without_its_reporter(tmp_path: Path) -> None:
    home = tmp_path / "home"
    found = _run(
        "import sys\n"
        "from fcn_core.libraries import import_openvino\n"
        "openvino = import_openvino()\n"
        "print(openvino.Core().available_devices, sys.modules['openvino_telemetry'])\n"
        "print([n for n in sys.modules if n.startswith('openvino_telemetry.')])\n",
        home,
    )
    assert found == ["['CPU'] None", "[]"]
    assert list(home.iterdir()) == []


def test_a_missing_openvino_is_an_import_error(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['openvino'] = None\n"
        "from fcn_core.libraries import import_openvino\n"
        "try: import_openvino()\n"
        "except ImportError: print('missing')\n"
    )
    assert _run(code, tmp_path / "home") == ["missing"]


KERAS = """
from fcn_core import libraries
libraries.keep_keras_from_home()
import keras
from keras.src.backend import config
print(keras.config.floatx(), config.keras_home())
with libraries.keras_downloads():
    print(config.keras_home())
print(config.keras_home())
"""


def test_keras_neither_reads_nor_writes_the_home_directory(tmp_path: Path) -> None:
    """Settings of somebody's home would change what is computed."""
    home = tmp_path / "home"
    (home / ".keras").mkdir(parents=True)
    (home / ".keras" / "keras.json").write_text('{"floatx": "float64"}')
    before = everything(home)
    assert _run(KERAS, home) == [
        "float32 /dev/null/keras",
        f"{home}/.keras",
        "/dev/null/keras",
    ]
    assert everything(home) == before


def test_a_folder_that_the_user_named_stays(tmp_path: Path) -> None:
    own = tmp_path / "own"
    found = _run(KERAS, tmp_path / "home", KERAS_HOME=str(own))
    assert found == [f"float32 {own}", str(own), str(own)]


@pytest.mark.parametrize("package", ["fcn_core", "pipelines"])
def test_nobody_else_imports_openvino(package: str) -> None:
    direct = [
        str(file.relative_to(ROOT))
        for file in sorted((ROOT / package).rglob("*.py"))
        if re.search(r"^\s*(import|from) openvino\b", file.read_text("utf-8"), re.M)
    ]
    assert direct == (["fcn_core/libraries.py"] if package == "fcn_core" else [])
