"""The house as it is drawn: who may import whom, and what each process may load."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 320

CORE_FLOORS = {
    "words": "labels bad_image memory",
    "pixels": """geometry image_limits image_signatures tiff_header jpeg_header
        image_headers colour_modes mask_files images degradations sticker
        render""",
    "data": """tfrecord record_fields records record_schema dataset_info mat_files
        data_statistics augmentation input_pipeline""",
    "datasets": """datasets datasets.listing datasets.makers datasets.png
        datasets.photo datasets.votes datasets.label_checks datasets.label_png
        datasets.label_map datasets.label_mask datasets.label_mat datasets.splits
        datasets.voc datasets.sbd datasets.pairs datasets.protocols datasets.ava
        datasets.ava_lists datasets.ava_protocols datasets.folder
        datasets.ratings_table datasets.seed_records datasets.drawn""",
    "serving": """class_maps class_shares refine model_card photo_list model_operations
        arithmetic engines tiling scorers scoring model_check model_facts serving
        package_versions export""",
    "learning": """losses metrics rating_metrics photo_evaluation models.layers
        models.vgg models.resnet models.mobilenet_v2 models.applications
        models.backbones models.spec_options
        models.spec models.features models.heads models.upsampling models.aesthetics
        models.fcn models.classifier models.switches models.deconvnet
        models.regularisation models.weights models.hdf5_layers models.weight_files
        models models.layouts models.matconvnet recipes.recipe recipes.built_in
        recipes.published recipes.ratings recipes training_config training_progress
        schedules optimizers loss_scale run_folder bundle_weights initial_weights
        run_settings stages run_log leaks devices evaluation objective
        segmentation_objective quality_objective rating_objective objectives trainer
        training_splits training recipe_family card_words publish""",
}
"""Floors of fcn_core, lowest first: a module imports those before it, no other."""

FLOORS = {
    "words": "faults counts gates progress quiet_import demo_photos",
    "ground": "files settings config",
    "lanes": "lane_messages lane lane_tasks lane_process lanes",
    "items": "manifests inputs plan_items plan part_file results publish masks",
    "graph": "chunk_stream chunk_job lane_stream launch",
    "score": "nights score_finish score",
    "convert": """convert_config convert_pieces convert_sources convert_ava
        convert_folder convert_plan convert_lanes convert_parts convert_duplicates
        convert_publish convert_finish convert""",
    "evaluate": """evaluate_config evaluate_match evaluate_leak evaluate_plan
        evaluate_lane evaluate_records evaluate_parts evaluate_finish evaluate
        evaluate_terminal""",
    "statistics": """statistics_batches statistics_checks statistics_parts
        statistics_plan statistics_answer statistics""",
    "look": """report_table report_figures report_images report_cards report
        report_data ledger terminal evaluation_page submission_masks voc_submission""",
    "doors": """model_commands model_import convert_commands evaluate_commands commands
        stats_command
        demo cli""",
}
"""Floors of pipelines, lowest first."""

JOBS = ("score", "convert", "evaluate", "statistics", "look")
"""Floors that stand side by side: no job knows another."""

BEAM_ONLY_IN = {"pipelines.chunk_job", "pipelines.launch"}
HEAVY = {"apache_beam", "tensorflow", "keras"}
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}


def names(floors: dict[str, str]) -> list[str]:
    return [name for floor in floors.values() for name in floor.split()]


@cache
def modules(package: str) -> dict[str, Path]:
    """Returns the modules of a package: full name -> file; a package is its init."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Yields (name, whether at the start of the module) of everything it imports."""
    parsed = tree(path)
    at_start = set(parsed.body)
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in at_start
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            assert node.module is not None
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node in at_start


def own_imports(name: str) -> set[str]:
    """Returns the modules of ours that a module imports, anywhere in its code."""
    ours = {**modules("fcn_core"), **modules("pipelines")}
    found = set()
    for target, _ in imported(ours[name]):
        while target and target not in ours:
            target = target.rpartition(".")[0]
        if target not in ("", "fcn_core", "pipelines"):
            found.add(target)
    return found


def test_every_module_has_its_place() -> None:
    for package, floors in (("fcn_core", CORE_FLOORS), ("pipelines", FLOORS)):
        placed = names(floors)
        assert len(placed) == len(set(placed))
        there = {name.removeprefix(f"{package}.") for name in modules(package)}
        # Give a new module its place in the floors above.
        assert there - {package} == set(placed)


@pytest.mark.parametrize(
    ("package", "floors"), [("fcn_core", CORE_FLOORS), ("pipelines", FLOORS)]
)
def test_imports_point_downwards(package: str, floors: dict[str, str]) -> None:
    order = [f"{package}.{name}" for name in names(floors)]
    upwards = [
        f"{name} imports {target}"
        for place, name in enumerate(order)
        for target in own_imports(name)
        if target.startswith(f"{package}.") and target not in order[:place]
    ]
    assert upwards == []


def test_no_job_knows_another() -> None:
    members = {job: {f"pipelines.{n}" for n in FLOORS[job].split()} for job in JOBS}
    crossing = [
        f"{name} imports {target}"
        for job in JOBS
        for name in members[job]
        for other in JOBS
        if other != job
        for target in own_imports(name) & members[other]
    ]
    assert crossing == []


def test_the_core_knows_neither_beam_nor_the_pipelines() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules("fcn_core").items()
        for target, _ in imported(path)
        if target.partition(".")[0] in ("apache_beam", "pipelines", "tests")
    ]
    assert wrong == []


def test_beam_is_known_by_the_graph_and_the_launcher_only() -> None:
    importers = {
        name
        for name, path in modules("pipelines").items()
        for target, _ in imported(path)
        if target.partition(".")[0] == "apache_beam"
    }
    assert importers == BEAM_ONLY_IN


def words_of(path: Path) -> Iterator[str]:
    """Yields the names and texts of a module's code, docstrings left out."""
    docstrings = {
        id(node.value)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree(path)):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word):
                yield word
            case ast.keyword(arg=str(word)):
                yield word
            case ast.Constant(value=str(word)) if id(node) not in docstrings:
                yield word


def test_only_the_launcher_knows_runners() -> None:
    knowing = {
        name
        for name, path in modules("pipelines").items()
        if any("runner" in word.lower() for word in words_of(path))
    }
    assert knowing == {"pipelines.launch"}


def test_light_modules_load_no_training_library_at_their_start() -> None:
    heavy = {"tensorflow", "keras"}
    light = [
        f"fcn_core.{name}"
        for floor in ("words", "pixels", "serving")
        for name in CORE_FLOORS[floor].split()
        if name not in ("serving", "export")
    ]
    light += [name for name in modules("pipelines") if name != "pipelines"]
    ours = {**modules("fcn_core"), **modules("pipelines")}
    wrong = [
        f"{name} imports {target}"
        for name in light
        for target, at_start in imported(ours[name])
        if at_start and target.partition(".")[0] in heavy
    ]
    assert wrong == []


def test_no_module_is_a_drawer() -> None:
    everything = [ROOT / package for package in ("fcn_core", "pipelines", "tests")]
    drawers = [
        str(path.relative_to(ROOT))
        for folder in everything
        for path in folder.rglob("*.py")
        if FORBIDDEN_NAMES & set(path.stem.split("_"))
    ]
    assert drawers == []


@pytest.mark.parametrize("package", ["fcn_core", "pipelines"])
def test_a_module_is_read_in_one_sitting(package: str) -> None:
    long = {
        name: lines
        for name, path in modules(package).items()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert long == {}


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
from fcn_core import arithmetic, scoring
from fcn_core.model_card import ModelCard
from pipelines import lane, lane_tasks
from tests import tiny_models

card = ModelCard.read(scoring.find_bundle("voc21"))
chosen = arithmetic.resolve_arithmetic("openvino", "f32")
photos = lane_tasks.ScorePhotos({
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
from pipelines import lane, lane_tasks
lane_tasks.ConvertEntries(
    {"maker": "segmentation-pairs", "settings": {"void_rim": 0}}
)
"""
    assert loaded(code) & (HEAVY | {"openvino"}) == set()


def test_help_answers_at_once() -> None:
    code = "from pipelines import cli; assert cli.main(['--help']) == 0"
    found = loaded(code)
    assert (
        found & (HEAVY | {"pydantic", "numpy", "pyarrow", "openvino", "yaml"}) == set()
    )


def test_help_of_training_loads_no_training_library() -> None:
    code = """
import contextlib
from pipelines import cli
with contextlib.suppress(SystemExit):
    cli.main(['train', '--help'])
"""
    assert loaded(code) & HEAVY == set()


def test_planning_a_night_loads_neither_beam_nor_an_engine() -> None:
    found = loaded("from pipelines import config, inputs, nights, plan, results")
    assert found & HEAVY == set()
