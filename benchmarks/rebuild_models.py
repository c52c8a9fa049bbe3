"""Rebuilds the built-in models from public files and says how they differ.

    make models WEIGHTS=weights VOC=VOCdevkit/VOC2012
    python -m benchmarks.rebuild_models --weights DIR --voc DIR [--output models-out]
        [--model voc21 aesthetics quality] [--epochs N]

Each model is made by `fcn` commands, printed as they run; OUTPUT keeps data, runs,
bundles and, where NNCF is installed, those with an int8 form, and the same command goes
on where it was stopped. Then each bundle is compared with the one in this package: its
network's hash, else the tensor that differs most, its figures, and its int8 network's
hash. Training takes an hour or two on two cores; `--epochs 1` only shows that it runs.
Public files are found by name or by sha256 and are never downloaded, except
Keras' ImageNet weights where the folder has none.
"""

import argparse
import hashlib
import importlib.util
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.model_differences import differences
from fcn_core.bundles import find


@dataclass(frozen=True)
class PublicFile:
    """A file that anybody can get.

    Attributes:
        name: As it is published, which is what cards say.
        sha256: Of its content.
        source: Where it is published.
        otherwise: What `--init` takes where the file is missing; empty: nothing.
    """

    name: str
    sha256: str
    source: str
    otherwise: str = ""


@dataclass(frozen=True)
class Build:
    """How a model is made.

    Attributes:
        file: What it starts from.
        commands: Words of `fcn` after FILE, DATA, RUN, BUNDLE, VERSION are filled in;
            FIRST is a run before RUN.
        int8: Whether it gets an int8 form as well.
    """

    file: PublicFile
    commands: tuple[str, ...]
    int8: bool = True


_EXPORT: Final = (
    "export --model RUN --output BUNDLE --name NAME --model_version VERSION"
)

BUILDS: Final = {
    "voc21": Build(
        PublicFile(
            "deeplabv3_mnv2_pascal_quant.tflite",
            "350af47fd346ea6d74b58833a351f583ba860e9806ec5bd292ff8d8f1f249398",
            "https://github.com/google-coral/test_data",
        ),
        (
            "train segmentation --recipe voc21 --data DATA --init FILE --output RUN",
            _EXPORT,
        ),
    ),
    "aesthetics": Build(
        PublicFile(
            "weights_mobilenet_aesthetic_0.07.hdf5",
            "e563ad91b3d47410e45f7238f07ab8f6abd1bd0c4b18a4b0af9c681a21a91cb2",
            "https://github.com/idealo/image-quality-assessment (models/MobileNet)",
        ),
        ("models import FILE --output BUNDLE --name NAME --model_version VERSION",),
    ),
    "quality": Build(
        PublicFile(
            "mobilenet_v2_imagenet_notop.weights.h5",
            "d018d47ff85c2a15411306b552745c112d9ebcd199dc033eb774c5a0396a1caa",
            "keras.applications",
            otherwise="imagenet",
        ),
        (
            "train aesthetics --recipe quality-whole --data DATA --init FILE"
            " --output FIRST",
            "train aesthetics --recipe quality --data DATA --init FIRST --output RUN",
            _EXPORT,
        ),
        int8=False,
    ),
}


def find_file(wanted: PublicFile, folder: Path, *, links: Path) -> str:
    """Returns a path of a public file's own name, a link if the folder has another.

    Args:
        wanted: The file.
        folder: Where public files lie, under any name.
        links: Where a link may be written.
    """
    named = folder / wanted.name
    if named.is_file():
        return str(named)
    for path in sorted(folder.iterdir()):
        if path.is_file() and digest(path) == wanted.sha256:
            links.mkdir(parents=True, exist_ok=True)
            link = links / wanted.name
            link.unlink(missing_ok=True)
            link.symlink_to(path.resolve())
            return str(link)
    if wanted.otherwise:
        return wanted.otherwise
    raise SystemExit(
        f"{folder}: got no {wanted.name}, expected it by name or by sha256 "
        f"{wanted.sha256}; get it from {wanted.source}"
    )


def digest(path: Path) -> str:
    """Returns the sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fcn(words: list[str]) -> None:
    """Runs an `fcn` command, printed first.

    Raises:
        SystemExit: It failed; its own message says why.
    """
    print(f"fcn {shlex.join(words)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "pipelines.cli", *words], check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def rebuild(name: str, asked: argparse.Namespace) -> Path:
    """Makes a model's bundle, or finds it finished; returns its folder."""
    build, folder = BUILDS[name], asked.output
    bundle, run = folder / "bundles" / name, folder / "runs" / name
    values = {
        "FILE": find_file(build.file, asked.weights, links=folder / "files"),
        "DATA": str(folder / "data"),
        "RUN": str(run),
        "FIRST": f"{run}-first",
        "BUNDLE": str(bundle),
        "NAME": name,
        "VERSION": find.card_of(name).version,
    }
    for command in [] if find.is_bundle(str(bundle)) else build.commands:
        words = [values.get(word, word) for word in command.split()]
        if words[0] == "train":
            words += ["--epochs", str(asked.epochs)] if asked.epochs else []
            output = Path(words[words.index("--output") + 1])
            words += ["--resume"] if output.exists() else []
        fcn(words)
    return with_int8(bundle, asked) if build.int8 else bundle


def with_int8(bundle: Path, asked: argparse.Namespace) -> Path:
    """Makes the same bundle with an int8 form, where NNCF is; returns its folder."""
    if importlib.util.find_spec("nncf") is None:
        print(f"{bundle}: no int8 form without nncf; pip install 'fcn[int8]'")
        return bundle
    output = asked.output / "int8" / bundle.name
    if not find.is_bundle(str(output)):
        data = str(asked.output / "data")
        words = ["export", "--model", str(bundle), "--int8", data]
        fcn([*words, "--output", str(output)])
    return output


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, rebuilds and compares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True, help="public files")
    parser.add_argument("--voc", type=Path, required=True, help="VOCdevkit/VOC2012")
    parser.add_argument("--output", type=Path, default=Path("models-out"))
    parser.add_argument("--model", nargs="+", choices=BUILDS, default=list(BUILDS))
    parser.add_argument("--epochs", type=int, help="instead of the recipes' own")
    asked = parser.parse_args(arguments)
    data = asked.output / "data"
    fcn(["convert", "voc", "--input", str(asked.voc), "--output", str(data)])
    bundles = {name: rebuild(name, asked) for name in asked.model}
    for name, bundle in bundles.items():
        for line in differences(bundle, name):
            print(f"{name}: {line}", flush=True)


if __name__ == "__main__":
    main()
