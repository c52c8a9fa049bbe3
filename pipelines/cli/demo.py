"""`fcn demo`: the whole project in a minute, with the installed packages alone.

`score_photos` scores sample photos and hostile files with the built-in models;
`train_and_score` converts a drawn miniature VOC, trains on it, exports and scores. Both
print and run the very commands that a person would type.
"""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import pyarrow.parquet as pq
from pydantic import Field

from fcn_core import scoring
from fcn_core.bundles.card import ModelCard
from fcn_core.datasets.pascal import drawn
from pipelines import files
from pipelines.cli import convert, demo_photos, score, train
from pipelines.cli.table import print_table
from pipelines.faults import UsageError
from pipelines.pages.night_cards import chips_of
from pipelines.score.rows import SCORES_SCHEMA, ScoreRow
from pipelines.settings import JobConfig


class DemoConfig(JobConfig):
    """Score sample photos, damaged ones among them, and write the page."""

    command: ClassVar[str] = "fcn demo"

    output: str = Field(default="demo-out", description="folder for the results")
    train: bool = Field(
        default=False,
        description="convert, train, export and score a drawn miniature VOC instead",
    )


_TRAIN_PAIRS = 48
_VAL_PAIRS = 12


def demo(arguments: Sequence[str]) -> int:
    """`fcn demo`: no network, no GPU, no data set."""
    config, _ = DemoConfig.parse(arguments)
    run = train_and_score if config.train else score_photos
    return run(config.output, as_json=config.json_output)


def score_photos(output: str, *, as_json: bool) -> int:
    """Scores the sample photos and writes their page; a second run skips them all."""
    out = Path(files.to_path(files.to_uri(output)))
    files.check_writable(files.to_uri(output))
    try:
        photos = demo_photos.write(out / "photos")
    except demo_photos.DemoPhotosError as error:
        raise UsageError(str(error)) from error
    arguments = ["--input", f"{output}/photos", "--output", output]
    code = _run_typed("score", score.score, arguments, as_json=as_json)
    if code == 0 and not as_json:
        _print_found(files.to_uri(output), [photo.name for photo in photos])
        _print_next(output)
    return code


def train_and_score(output: str, *, as_json: bool) -> int:
    """Converts a drawn miniature VOC, trains on it, exports and scores."""
    root = files.to_path(files.to_uri(output)) / "road"
    files.check_writable(files.to_uri(root))
    voc, data, run, bundle = (root / name for name in ("voc", "data", "run", "bundle"))
    if not (voc / "ImageSets").exists():
        drawn.write_voc(voc, train=_TRAIN_PAIRS, val=_VAL_PAIRS)
    photos, out = voc / "JPEGImages", root / "out"
    learn = _flags(data=data, recipe="drawn", output=run)
    steps: list[tuple[str, Callable[[Sequence[str]], int], list[str]]] = [
        ("convert", convert.convert, ["voc", *_flags(input=voc, output=data)]),
        ("train", train.train, ["segmentation", *learn, "--resume"]),
        ("export", train.export, _flags(model=run, output=bundle)),
        ("score", score.score, _flags(input=photos, output=out, model=bundle)),
    ]
    for name, command, arguments in steps:
        if name == "export" and (bundle / "model_card.json").exists():
            continue
        if (code := _run_typed(name, command, arguments, as_json=as_json)) != 0:
            return code
    return 0


def _flags(**values: str | Path) -> list[str]:
    return [
        word for name, value in values.items() for word in (f"--{name}", str(value))
    ]


def _run_typed(
    name: str,
    command: Callable[[Sequence[str]], int],
    arguments: list[str],
    *,
    as_json: bool,
) -> int:
    """Runs a command after showing it, as a person would type it."""
    if as_json:
        return command([*arguments, "--json"])
    print(f"$ fcn {name} {shlex.join(arguments)}", flush=True)
    return command(arguments)


def _print_found(out: str, names: Sequence[str]) -> None:
    """Prints what was found in each sample photo, and its score."""
    classes = ModelCard.read(scoring.find_bundle("voc21")).classes or []
    rows = _rows(out)
    found = [
        (
            name,
            f"{row.aesthetics_mean:.2f}",
            f"{row.technical_mean:.2f}",
            _found(row, classes),
        )
        if row.status == "ok"
        else (name, row.status, "", row.error_reason or "")
        for name in names
        if (row := rows.get(name)) is not None
    ]
    print_table(("photo", "aesthetics", "technical", "found"), found)


def _found(row: ScoreRow, classes: Sequence[str]) -> str:
    """Returns the names of the classes that cover at least a hundredth of a photo."""
    chips = chips_of(row, dict(enumerate(classes)))
    found = [f"{chip.name} {chip.share:.0%}" for chip in chips if chip.class_id]
    return ", ".join(found) or "background only"


def _rows(out: str) -> dict[str, ScoreRow]:
    """Returns the latest row of each sample photo by its file name."""
    rows: dict[str, ScoreRow] = {}
    folder = files.join(out, "scores")
    for night in files.list_names(folder):
        for name in files.list_names(files.join(folder, night)):
            if name.endswith(".parquet"):
                path = files.to_path(files.join(folder, night, name))
                table = pq.read_table(path, partitioning=None)
                for row in table.select(SCORES_SCHEMA.names).to_pylist():
                    name = row["image_uri"].rpartition("/")[2]
                    rows[name] = ScoreRow(**row)
    return rows


def _print_next(output: str) -> None:
    print("\nnext:  fcn score --input MY_PHOTOS --output out")
    print(f"again: fcn demo --output {output}   (skips scored photos)")
