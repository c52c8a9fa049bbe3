"""The laws of the rooms: who may import whom, and where tests stand."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

CORE_ROOMS = [
    "ground",
    "images",
    "records",
    "metrics",
    "datasets",
    "bundles",
    "scoring",
    "rendering",
    "models",
    "export",
    "evaluation",
    "int8",
    "recipes",
    "training",
]
"""Rooms of fcn_core, lowest first: a room uses those before it. `ground`: its files."""

PIPELINE_ROOMS = [
    "ground",
    "files",
    "chunks",
    "lanes",
    "runners",
    "JOBS",
    "diff",
    "pages",
    "submission",
    "check",
    "housekeeping",
    "estimate",
    "nightly",
    "schedules",
    "doctor",
    "deploy",
    "cli",
]
"""Rooms of pipelines, lowest first; the jobs stand side by side."""

JOBS = {"score", "convert", "evaluate", "statistics", "training"}
"""Rooms of which none knows another."""

WITHOUT_DOOR = JOBS | {"lanes", "models", "training"}
"""Rooms whose `__init__` imports nothing: a lane takes one file of them, not all."""

BEAM_ROOM = "pipelines.runners."
CORE_WITHOUT_TENSORFLOW = (
    "ground images records metrics datasets bundles scoring recipes"
)
HEAVY = {"apache_beam", "tensorflow", "keras"}
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}


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


def room_of(name: str) -> str:
    """Returns the folder that a module stands in, `ground` for the files beside."""
    package, _, rest = name.partition(".")
    first = rest.partition(".")[0]
    return first if (ROOT / package / first).is_dir() else "ground"


def floor_of(name: str) -> int:
    room = room_of(name)
    if name.startswith("fcn_core."):
        return CORE_ROOMS.index(room)
    return PIPELINE_ROOMS.index("JOBS" if room in JOBS else room)


def inside(package: str) -> list[str]:
    return [name for name in modules(package) if name != package]


@pytest.mark.parametrize(
    ("package", "rooms"),
    [
        ("fcn_core", set(CORE_ROOMS)),
        ("pipelines", {*PIPELINE_ROOMS, *JOBS} - {"JOBS"}),
    ],
)
def test_every_room_has_its_place(package: str, rooms: set[str]) -> None:
    # Give a new room its place in the lists above, and its law in its `__init__`.
    assert {room_of(name) for name in inside(package)} == rooms
    assert not rooms & FORBIDDEN_NAMES


@pytest.mark.parametrize("package", ["fcn_core", "pipelines"])
def test_a_room_uses_those_below_it(package: str) -> None:
    upwards = [
        f"{name} imports {target}"
        for name in inside(package)
        for target in own_imports(name)
        if target.startswith(f"{package}.") and floor_of(target) > floor_of(name)
    ]
    assert upwards == []


def test_no_circle_inside_a_room_or_between_rooms() -> None:
    ours = [*inside("fcn_core"), *inside("pipelines")]
    waiting = {name: own_imports(name) - {name} for name in ours}
    while free := [name for name, needs in waiting.items() if not needs & {*waiting}]:
        for name in free:
            del waiting[name]
    assert sorted(waiting) == []


def test_no_job_knows_another() -> None:
    crossing = [
        f"{name} imports {target}"
        for name in inside("pipelines")
        for target in own_imports(name)
        if target.startswith("pipelines.")
        and {room_of(name), room_of(target)} <= JOBS
        and room_of(name) != room_of(target)
    ]
    assert crossing == []


@pytest.mark.parametrize("package", ["fcn_core", "pipelines"])
def test_rooms_of_single_files_have_no_door(package: str) -> None:
    doors = [
        f"{name} imports {target}"
        for name, path in modules(package).items()
        if path.name == "__init__.py" and room_of(name) in WITHOUT_DOOR
        for target, _ in imported(path)
    ]
    assert doors == []


def test_the_core_knows_neither_beam_nor_the_pipelines() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules("fcn_core").items()
        for target, _ in imported(path)
        if target.partition(".")[0] in ("apache_beam", "pipelines", "tests")
    ]
    assert wrong == []


def test_beam_is_known_by_the_runners_only() -> None:
    importers = {
        name
        for name, path in modules("pipelines").items()
        for target, _ in imported(path)
        if target.partition(".")[0] == "apache_beam"
    }
    assert importers
    assert [name for name in importers if not name.startswith(BEAM_ROOM)] == []


def test_no_private_name_crosses_a_file() -> None:
    ours = {**modules("fcn_core"), **modules("pipelines")}
    crossing = [
        f"{name} imports {target}"
        for name, path in ours.items()
        for target, _ in imported(path)
        if target.partition(".")[0] in ("fcn_core", "pipelines")
        and target.rpartition(".")[2].startswith("_")
        and target != "fcn_core.__version__"
    ]
    assert crossing == []


def test_a_test_file_is_found_by_its_name_in_its_room() -> None:
    """`tests/<package>/<room>/test_<file>[_<part>].py`; journeys cross rooms."""
    homeless = []
    for package in ("fcn_core", "pipelines"):
        for path in sorted((ROOT / "tests" / package).rglob("test_*.py")):
            room = ROOT / path.relative_to(ROOT / "tests").parent
            name = path.stem.removeprefix("test_")
            files = {source.stem for source in room.glob("*.py")}
            if not any(name == f or name.startswith(f"{f}_") for f in files):
                homeless.append(str(path.relative_to(ROOT)))
    assert homeless == []


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


def test_only_the_runners_branch_on_the_engine() -> None:
    """No other room has the word in its code, but for what starts an engine."""
    knowing = {
        name
        for name, path in modules("pipelines").items()
        if any("runner" in word.lower() for word in words_of(path))
    }
    assert knowing
    places = (BEAM_ROOM, "pipelines.deploy.flink.")
    assert [name for name in knowing if not name.startswith(places)] == []


def test_light_modules_load_no_training_library_at_their_start() -> None:
    heavy = {"tensorflow", "keras"}
    light = [
        name
        for name in inside("fcn_core")
        if room_of(name) in CORE_WITHOUT_TENSORFLOW.split()
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
