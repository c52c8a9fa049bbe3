"""Judges a recipe of masks on photos that none of its networks learned from.

    fcn models import FILE --output initial
    python -m benchmarks.out_of_fold --voc VOCdevkit/VOC2012 --init FILE \
        --against initial --only UNSEEN.txt [--folds 5] [--recipe voc21] [--int8]

The photos of VOC's lists train and val are dealt to folds by a hash of their names. For
each fold `fcn` commands, printed as they run, train on all the other folds, and what
comes out makes the masks of this one. Pixels of all folds are counted together, in
float32 and, with `--int8`, by the int8 form as well, beside other models (`--against`)
on the same photos, with the difference in mIoU and its interval over resampled photos.
`--only` counts the photos that a file names: of others the initial weights may know the
labels. OUTPUT keeps all steps, and the same command goes on where it was stopped.
Prints a Markdown table.
"""

import argparse
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.rebuild_models import fcn
from fcn_core import scoring
from fcn_core.bundles import find
from fcn_core.datasets.pascal import voc
from fcn_core.datasets.splits import parse_id_list
from fcn_core.evaluation.photo import segment
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.metrics.intervals import RESAMPLES, Interval, central
from fcn_core.records.source import Source
from fcn_core.scoring import scorers

LISTS: Final = ("train", "val")

Counted = Mapping[str, ConfusionMatrix]
"""Pixels of each photo, by its name."""


def fold_of(name: str, folds: int) -> int:
    """Returns the fold in which a photo is not learned from, by its name alone."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % folds


def read_names(path: Path) -> list[str]:
    """Returns the photos that a list of VOC names; one that names others is refused."""
    found = parse_id_list(path.read_bytes(), pattern=voc.ID, path=str(path))
    for bad in found.rejected:
        raise SystemExit(f"{path}: {bad.detail}; mend the list")
    return list(found.ids)


def write_tree(root: Path, tree: Path, *, fold: int, folds: int) -> None:
    """Makes a VOC tree of links whose list val is one fold, and train all others."""
    lists = tree / "ImageSets/Segmentation"
    lists.mkdir(parents=True, exist_ok=True)
    for entry in root.iterdir():
        link = tree / entry.name
        if entry.name != "ImageSets" and not link.is_symlink():
            link.symlink_to(entry.resolve())
    named = [read_names(root / f"ImageSets/Segmentation/{name}.txt") for name in LISTS]
    names = sorted(set().union(*named))
    for name, is_held in zip(LISTS, (False, True), strict=True):
        kept = [n for n in names if (fold_of(n, folds) == fold) is is_held]
        (lists / f"{name}.txt").write_text("".join(f"{n}\n" for n in kept))


def make_fold(fold: int, asked: argparse.Namespace) -> dict[str, tuple[str, str]]:
    """Trains without a fold, or finds it done.

    Returns:
        Bundle and precision of each form of its network.
    """
    folder = asked.output / f"fold-{fold}"
    data, run, bundle = folder / "data", folder / "run", folder / "bundle"
    if not find.is_bundle(str(bundle)):
        write_tree(asked.voc, folder / "voc", fold=fold, folds=asked.folds)
        fcn(["convert", "voc", "--input", str(folder / "voc"), "--output", str(data)])
        words = ["train", "segmentation", "--data", str(data)]
        words += ["--recipe", asked.recipe, "--init", asked.init, "--output", str(run)]
        words += ["--epochs", str(asked.epochs)] if asked.epochs else []
        fcn([*words, "--resume"] if run.exists() else words)
        fcn(["export", "--model", str(run), "--output", str(bundle)])
    forms = {f"{asked.recipe}, f32": (str(bundle), "f32")}
    if asked.int8:
        rounded = folder / "int8"
        if not find.is_bundle(str(rounded)):
            words = ["export", "--model", str(bundle), "--int8", str(data)]
            fcn([*words, "--output", str(rounded)])
        forms[f"{asked.recipe}, int8"] = (str(rounded), "int8")
    return forms


def count(model: str, precision: str, source: Source) -> dict[str, ConfusionMatrix]:
    """Returns the pixels of each photo of a split, by its name."""
    scorer = scorers.load_scorer(model, "openvino", precision)
    photos, ids = scoring.PhotoScorer([scorer]), range(scorer.card.num_classes)
    return {
        record.source_id: segment(photos, record, class_ids=ids).confusion
        for record in source.records()
    }


def miou(counted: Sequence[ConfusionMatrix]) -> float:
    """Returns the mIoU of photos together, in percent."""
    counts = sum(matrix.counts for matrix in counted)
    return 100 * ConfusionMatrix(np.asarray(counts)).result().miou


def interval(first: Counted, second: Counted, *, seed: int = 0) -> Interval:
    """Returns the central 95% of what the second's mIoU is above the first's.

    Args:
        first: Pixels of the photos.
        second: Of the same photos by another model.
        seed: Of the resamples.
    """
    names, rng = sorted(first), np.random.default_rng(seed)
    above = []
    for _ in range(RESAMPLES):
        drawn = [names[at] for at in rng.integers(len(names), size=len(names))]
        sums = [miou([found[name] for name in drawn]) for found in (first, second)]
        above.append(sums[1] - sums[0])
    return central(np.array(above))


def rows(found: Mapping[str, Counted]) -> Iterator[str]:
    """Yields lines of Markdown, each model compared with the first.

    Args:
        found: Of each model, in order: the pixels of the same photos.
    """
    yield "| model | photos | mIoU | above the first |"
    yield "|---|---|---|---|"
    first = next(iter(found.values()))
    reached = miou(list(first.values()))
    for model, counted in found.items():
        cells = [
            model,
            str(len(counted)),
            f"{(own := miou(list(counted.values()))):.2f}",
        ]
        if counted is first:
            cells.append("")
        else:
            low, high = interval(first, counted)
            cells.append(f"{own - reached:+.2f} (95%: {low:+.2f} to {high:+.2f})")
        yield f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parses the command line, trains each fold and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voc", type=Path, required=True, help="VOCdevkit/VOC2012")
    parser.add_argument("--init", required=True, help="as fcn train takes it")
    parser.add_argument("--recipe", default="voc21")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--against", nargs="*", default=[], help="bundles, in float32")
    parser.add_argument("--only", type=Path, help="a list of the photos that count")
    parser.add_argument("--int8", action="store_true", help="its int8 form as well")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's own")
    parser.add_argument("--output", type=Path, default=Path("folds-out"))
    asked = parser.parse_args(arguments)
    only = None if asked.only is None else set(read_names(asked.only))
    found: dict[str, dict[str, ConfusionMatrix]] = {}
    for fold in range(asked.folds):
        others = {model: (model, "f32") for model in asked.against}
        source = Source(folder=asked.output / f"fold-{fold}/data", split="val")
        for name, form in (others | make_fold(fold, asked)).items():
            counted = count(*form, source)
            found.setdefault(name, {}).update(
                {n: c for n, c in counted.items() if only is None or n in only}
            )
    for line in rows(found):
        print(line, flush=True)


if __name__ == "__main__":
    main()
