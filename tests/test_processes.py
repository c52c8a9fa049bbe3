"""What each process may load: told by fresh processes, whatever a library drags in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
JOBS = ("convert", "evaluate", "score", "statistics")
HEAVY = {"apache_beam", "tensorflow", "keras"}


def modules(package: str) -> list[str]:
    paths = sorted((ROOT / package).rglob("*.py"))
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)
    return [name.removesuffix(".__init__") for name in names]


def loaded(code: str) -> set[str]:
    """Returns the packages that a fresh process has loaded after some code."""
    ending = "\nimport json, sys; print(json.dumps(list(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code + ending],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return {name.partition(".")[0] for name in json.loads(run.stdout.splitlines()[-1])}


def test_the_whole_core_runs_without_beam() -> None:
    """Also where Beam is not installed, and whatever a library drags in."""
    absent = "import sys; sys.modules['apache_beam'] = None\n"
    found = loaded(absent + "\n".join(f"import {name}" for name in modules("fcn_core")))
    assert "tensorflow" in found  # it is a process that could have loaded anything
    assert "pipelines" not in found


SCORE_ONE_PHOTO = """
from fcn_core import scoring
from fcn_core.bundles.card import ModelCard
from fcn_core.scoring import arithmetic
from pipelines.lanes import child
from pipelines.score import lane
from tests.drawn import tiny_models

card = ModelCard.read(scoring.find_bundle("voc21"))
chosen = arithmetic.resolve_arithmetic("openvino", "f32")
photos = lane.ScorePhotos({
    "models": [{"name": "voc21", "fingerprint": card.fingerprint}],
    "engine": chosen.engine,
    "precision": chosen.precision,
    "instruction_set": chosen.instruction_set,
    "max_side": None,
    "masks": True,
})
values, blobs = photos({}, [tiny_models.draw_photo()])
assert values["dominant_class"] is not None and blobs
"""


def test_a_lane_that_scores_loads_only_what_scoring_needs() -> None:
    found = loaded(SCORE_ONE_PHOTO)
    assert "openvino" in found
    assert found & HEAVY == set()


def test_a_lane_that_converts_loads_no_training_library() -> None:
    code = """
from pipelines.convert import lane
from pipelines.lanes import child
lane.ConvertEntries(
    {"maker": "segmentation-pairs", "settings": {"void_rim": 0}}
)
"""
    assert loaded(code) & (HEAVY | {"openvino"}) == set()


def test_help_answers_at_once() -> None:
    code = "from pipelines.cli import main; assert main.main(['--help']) == 0"
    found = loaded(code)
    assert (
        found & (HEAVY | {"pydantic", "numpy", "pyarrow", "openvino", "yaml"}) == set()
    )


def test_help_of_training_loads_no_training_library() -> None:
    code = """
import contextlib
from pipelines.cli import main
with contextlib.suppress(SystemExit):
    main.main(['train', '--help'])
"""
    assert loaded(code) & HEAVY == set()


def test_planning_a_night_loads_neither_beam_nor_an_engine() -> None:
    found = loaded("from pipelines.score import config, inputs, nights, parts, plan")
    assert found & HEAVY == set()


@pytest.mark.parametrize("job", JOBS)
def test_a_worker_loads_no_beam(job: str) -> None:
    found = loaded(f"import pipelines.{job}.worker")
    assert "apache_beam" not in found


@pytest.mark.parametrize("name", ["recipes", "models.spec", "models.backbones.rows"])
def test_descriptions_of_networks_load_no_keras(name: str) -> None:
    assert loaded(f"import fcn_core.{name}") & HEAVY == set()
