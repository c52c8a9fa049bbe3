"""The images of workers and launchers: pinned, and their steps still install."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "pipelines/deploy/docker"
FILES = sorted(FOLDER.glob("*.Dockerfile"))
KINDS = [file.name.partition(".")[0] for file in FILES]
TOOLS = {"pip", "setuptools", "wheel"}
"""What builds packages; every environment has its own."""


def instructions(kind: str) -> list[tuple[str, str]]:
    """Returns the instructions of a Dockerfile, their lines joined."""
    text = (FOLDER / f"{kind}.Dockerfile").read_text("utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    words = (line.split(maxsplit=1) for line in lines.splitlines() if line.strip())
    return [(word, " ".join(rest.split())) for word, rest in words]


def of(kind: str, wanted: str) -> list[str]:
    return [rest for word, rest in instructions(kind) if word == wanted]


def pins(*files: Path) -> Mapping[str, str]:
    """Returns package -> version, names as pip compares them."""
    found = {}
    for file in files:
        for name, version in re.findall(
            r"^([\w.-]+)==(\S+)$", file.read_text("utf-8"), flags=re.MULTILINE
        ):
            found[plain(name)] = version
    return found


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def copied(kind: str) -> Iterator[tuple[list[str], str]]:
    """Yields (sources, target) of what is copied from the repository."""
    for line in of(kind, "COPY"):
        if not line.startswith("--from="):
            *sources, target = line.split()
            yield sources, target


def test_there_is_one_for_processors_and_one_for_gpus() -> None:
    assert KINDS == ["cpu", "gpu"]


@pytest.mark.parametrize("kind", KINDS)
def test_bases_are_pinned(kind: str) -> None:
    bases = [line.split()[0] for line in of(kind, "FROM")]
    for base in bases:
        tag = base.rpartition("/")[2].partition(":")[2]
        assert re.search(r"\d", tag), f"{base} has no version"
        assert "latest" not in tag
    beam = pins(ROOT / "constraints.txt")["apache-beam"]
    assert f"apache/beam_python3.11_sdk:{beam}" in bases
    assert bases[-1].startswith("python:3.11.")


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_worker_and_launcher(kind: str) -> None:
    assert of(kind, "ENTRYPOINT") == ['["/opt/apache/beam/boot"]']
    stages = {line.split()[-1]: line.split()[0] for line in of(kind, "FROM")[:-1]}
    taken = [line for line in of(kind, "COPY") if line.startswith("--from=")]
    assert {re.findall(r"--from=(\w+)", line)[0] for line in taken} == set(stages)
    program = "/opt/google/dataflow/python_template_launcher"
    assert f"--from=launcher {program} {program}" in taken
    names = dict(line.split("=", 1) for line in of(kind, "ENV"))
    file = names["FLEX_TEMPLATE_PYTHON_PY_FILE"]
    assert (["pipelines/deploy/launcher.py"], file) in list(copied(kind))
    assert names["RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT"] == "1"
    assert "WORKER_IMAGE=" in of(kind, "ARG")
    if kind == "gpu":  # where the service mounts the driver
        assert names["LD_LIBRARY_PATH"] == "/usr/local/nvidia/lib64"
        assert names["PATH"].startswith("/usr/local/nvidia/bin:")


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_copies_exists(kind: str) -> None:
    sources = [source for names, _ in copied(kind) for source in names]
    assert "constraints.txt" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_installed_under_constraints_and_checked(kind: str) -> None:
    runs = of(kind, "RUN")
    installs = [run for run in runs if " install " in f"{run} "]
    assert installs
    assert all("--constraint constraints.txt" in run for run in installs)
    assert runs.index("pip check") > runs.index(installs[-1])
    assert "fcn --help" in runs


def test_the_two_differ_by_cuda_alone() -> None:
    on_cpu, on_gpu = instructions("cpu"), instructions("gpu")
    assert [line for line in on_cpu if line not in on_gpu] == [
        line for line in on_cpu if line[1].startswith("pip install")
    ]
    assert len(pins(FOLDER / "gpu-constraints.txt")) >= 10
    assert not {*pins(FOLDER / "gpu-constraints.txt")} & {
        *pins(ROOT / "constraints.txt")
    }


def test_cloud_build_builds_pushes_and_describes() -> None:
    build = yaml.safe_load((FOLDER / "cloudbuild.yaml").read_text("utf-8"))
    assert [step["id"] for step in build["steps"]] == ["image", "push", "template"]
    words = [word for step in build["steps"] for word in step["args"]]
    for kind in KINDS:
        file = f"--file=pipelines/deploy/docker/{kind}.Dockerfile"
        assert file.replace(kind, "${_KIND}", 1) in words
    metadata = [word for word in words if word.startswith("--metadata-file=")]
    assert (ROOT / metadata[0].partition("=")[2]).is_file()
    used = set(re.findall(r"\$\{(_\w+)\}", json.dumps(build)))
    assert used == set(build["substitutions"])


def commands(kind: str) -> list[list[str]]:
    """Returns the words of the steps that install and check."""
    words = [shlex.split(run) for run in of(kind, "RUN")]
    return [command for command in words if command[0] in ("pip", "fcn")]


def source_tree(kind: str, folder: Path) -> None:
    """Copies what the image copies to its working folder."""
    for names, target in copied(kind):
        if target.startswith("/"):
            continue
        for name in names:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, folder / target, ignore=ignored)
            else:
                shutil.copy(source, folder / target)


def run(command: list[str], folder: Path) -> str:
    clean = {n: v for n, v in os.environ.items() if n != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (
        f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_steps_of_the_image_install(tmp_path: Path) -> None:
    """All of them, as they stand there, in an environment of their own."""
    source, home = tmp_path / "src", tmp_path / "venv"
    source.mkdir()
    source_tree("cpu", source)
    run([sys.executable, "-m", "venv", str(home)], tmp_path)
    outputs = {}
    for command in commands("cpu"):
        words = [word for word in command if word != "--no-cache-dir"]
        outputs[words[0], words[1]] = run(
            [str(home / "bin" / words[0]), *words[1:]], source
        )
    assert "No broken requirements" in outputs["pip", "check"]
    assert "fcn score" in outputs["fcn", "--help"]
    pinned = pins(ROOT / "constraints.txt")
    listed = json.loads(run([str(home / "bin/pip"), "list", "--format=json"], tmp_path))
    there = {plain(each["name"]): each["version"] for each in listed}
    del there["fcn"]
    assert {
        n: v for n, v in there.items() if pinned.get(n) != v and n not in TOOLS
    } == {}
    committed = (ROOT / "pipelines/deploy/metadata.json").read_text("utf-8")
    assert run([str(home / "bin/fcn"), "template"], tmp_path) == committed
    file = tmp_path / "launcher.py"
    shutil.copy(ROOT / "pipelines/deploy/launcher.py", file)
    python = str(home / "bin/python")
    assert "--input" in run([python, str(file), "--help"], tmp_path)
    found = "import pipelines.deploy as d; print(d.__path__[0])"
    package = Path(run([python, "-c", found], tmp_path).strip())
    assert sorted(path.name for path in (package / "docker").iterdir()) == sorted(
        path.name for path in FOLDER.iterdir()
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_gpus_packages_resolve(tmp_path: Path) -> None:
    """Their versions are found and agree; CUDA's gigabytes are not fetched."""
    source_tree("gpu", tmp_path)
    (install,) = [c for c in commands("gpu") if c[:2] == ["pip", "install"]]
    report = tmp_path / "report.json"
    dry = ["--dry-run", "--ignore-installed", "--report", str(report), "--quiet"]
    run([sys.executable, "-m", *install, *dry], tmp_path)
    chosen = {
        plain(each["metadata"]["name"]): each["metadata"]["version"]
        for each in json.loads(report.read_text("utf-8"))["install"]
    }
    pinned = pins(ROOT / "constraints.txt", FOLDER / "gpu-constraints.txt")
    del chosen["fcn"]
    loose = {n: v for n, v in chosen.items() if pinned.get(n) != v and n not in TOOLS}
    assert loose == {}
    assert set(pins(FOLDER / "gpu-constraints.txt")) <= set(chosen)
