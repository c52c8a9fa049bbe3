"""Every `fcn` command of the README runs, in its order, on drawn photos."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fcn_core.datasets.pascal import drawn
from pipelines.diff.config import DiffConfig
from pipelines.doctor.config import DoctorConfig
from pipelines.estimate.config import EstimateConfig
from pipelines.housekeeping.config import PruneConfig
from pipelines.nightly.command import NightlyCommand
from pipelines.runners import flags
from pipelines.schedules.config import ScheduleConfig
from pipelines.score.config import ScoreConfig, StatusConfig
from pipelines.settings import JobConfig
from tests.drawn import tflite_files
from tests.runs.score_runs import Ended, fcn

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)


def _commands() -> list[list[str]]:
    lines = [line for block in _blocks() for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [command for command in words if command[:1] == ["fcn"]]


def _elsewhere() -> list[list[str]]:
    """Returns the commands that need other machines, in blocks of their own."""
    blocks = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    lines = [line for b in blocks for line in b.replace("\\\n", " ").splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [command for command in words if command[:1] == ["fcn"]]


_KINDS: dict[str, type[JobConfig]] = {
    "score": ScoreConfig,
    "status": StatusConfig,
    "nightly": NightlyCommand,
    "schedule": ScheduleConfig,
    "doctor": DoctorConfig,
    "estimate": EstimateConfig,
    "diff": DiffConfig,
    "prune": PruneConfig,
}


@pytest.mark.parametrize("words", _elsewhere(), ids=lambda words: words[1])
def test_commands_for_other_machines_have_flags_that_are_known(
    words: list[str],
) -> None:
    kind = _KINDS[words[1]]
    words = words[2:]
    if kind is NightlyCommand:  # its file is no file of its flags
        words = words[: words.index("--config")] + words[words.index("--config") + 2 :]
    _, beam = kind.parse(words)
    flags.check_flags(beam, ours=kind.flags())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's home with what the README takes for granted, all of it drawn."""
    from fcn_core.models.build import build
    from fcn_core.models.spec import ModelSpec
    from fcn_core.models.weights.assign import tensors_of

    home = tmp_path_factory.mktemp("home")
    drawn.write_voc(home / "VOCdevkit/VOC2012", train=3, val=2)
    drawn.write_voc(home / "elsewhere", train=3, val=0, seed=7)
    (home / "elsewhere/JPEGImages").rename(home / "Pictures")
    model = build(ModelSpec(name="fcn8s", backbone="mobilenet_v2"))
    weights = home / "deeplabv3_mnv2_pascal_quant.tflite"
    tflite_files.save_deeplab(weights, tensors_of(model), per_channel=False)
    return home


PROCESSES = ("score", "train")
"""Commands that start a process here; the others run in this one, which spares each
the import of what is loaded already."""


def _run(command: list[str], home: Path, patch: pytest.MonkeyPatch) -> Ended:
    words = [word.replace("~", str(home), 1) for word in command[1:]]
    if words[0] not in PROCESSES:
        patch.chdir(home)
        patch.setenv("HOME", str(home))
        return fcn(*words)
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *words],
        cwd=home,
        env={
            **os.environ,
            "HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "FCN_EPOCHS": "1",  # it is the commands that are tested, not training
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def test_starts_with_the_two_commands() -> None:
    first = [line.split("#")[0].strip() for line in _blocks()[0].splitlines()]
    assert first == ["make demo", "make test"]


def test_make_knows_them() -> None:
    for target in ("demo", "test"):
        done = subprocess.run(
            ["make", "--dry-run", "--directory", str(ROOT), target],
            capture_output=True,
            text=True,
            check=True,
        )
        assert {"demo": "fcn demo --output demo-out", "test": "pytest"}[
            target
        ] in done.stdout


def test_its_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    missing = [t for t in targets if "://" not in t and not (ROOT / t).exists()]
    assert missing == []


@pytest.mark.timeout(900)  # a dozen commands, one after another
def test_every_command_runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = _commands()
    assert len(commands) >= 8
    for command in commands:
        done = _run(command, home, monkeypatch)
        assert done.code == 0, f"{shlex.join(command)}\n{done.stderr}"
        assert "Traceback" not in done.stderr
    assert (home / "out/scores").is_dir()
    assert (home / "out-mine/scores").is_dir()
