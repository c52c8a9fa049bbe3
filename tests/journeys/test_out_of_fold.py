"""Out of fold: every photo is judged by a network that never saw it, and only once."""

import argparse
from pathlib import Path

import numpy as np
import pytest

from benchmarks import out_of_fold
from fcn_core.bundles import find
from fcn_core.datasets.pascal import drawn
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import tensors_of
from tests.drawn import tflite_files


def matrix(right: int, wrong: int) -> ConfusionMatrix:
    """Returns pixels of class 0 of which some are taken for class 1."""
    return ConfusionMatrix(np.array([[right, wrong], [0, 50]]))


def lists_of(tree: Path) -> dict[str, set[str]]:
    folder = tree / "ImageSets/Segmentation"
    return {
        name: set(out_of_fold.read_names(folder / f"{name}.txt"))
        for name in out_of_fold.LISTS
    }


def test_each_photo_is_held_out_once(tmp_path: Path) -> None:
    voc = tmp_path / "VOC2012"
    drawn.write_voc(voc, train=6, val=5)
    every = set().union(*lists_of(voc).values())
    assert len(every) == 11
    held: list[str] = []
    for fold in range(3):
        tree = tmp_path / f"tree-{fold}"
        for _ in range(2):  # as when it goes on
            out_of_fold.write_tree(voc, tree, fold=fold, folds=3)
        lists = lists_of(tree)
        assert lists["train"] == every - lists["val"]
        assert {p.name for p in tree.iterdir()} == {p.name for p in voc.iterdir()}
        held += lists["val"]
    assert sorted(held) == sorted(every)


def test_folds_depend_on_names_alone() -> None:
    names = [f"2007_{number:06}" for number in range(400)]
    folds = [out_of_fold.fold_of(name, 5) for name in names]
    assert folds[:5] == [out_of_fold.fold_of(name, 5) for name in names[:5]]
    assert min(np.bincount(folds, minlength=5)) > 50


def test_a_list_may_have_a_column_and_names_photos_alone(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("2007_000001 -1\n\n2007_000002\n")
    assert out_of_fold.read_names(path) == ["2007_000001", "2007_000002"]
    path.write_text("2007_000001\na photo\n")
    with pytest.raises(SystemExit, match=r"line 2 is 'a photo', expected one id"):
        out_of_fold.read_names(path)


def test_pixels_of_all_photos_are_counted_together() -> None:
    first = {"a": matrix(50, 50), "b": matrix(100, 0)}
    second = {"a": matrix(60, 40), "b": matrix(100, 0)}
    # 150 of 200 and 100 of 150 pixels, then 160 of 200 and 100 of 140.
    head, line, reached, above = out_of_fold.rows({"old": first, "new": second})
    assert (head, line) == (
        "| model | photos | mIoU | above the first |",
        "|---|---|---|---|",
    )
    assert reached == "| old | 2 | 70.83 |  |"
    assert above.startswith("| new | 2 | 75.71 | +4.88 (95%: +0.00 to ")


def test_an_interval_holds_what_every_photo_gains() -> None:
    first = {str(n): matrix(50, 50) for n in range(8)}
    second = {str(n): matrix(60, 40) for n in range(8)}
    low, high = out_of_fold.interval(first, second)
    gain = out_of_fold.miou(list(second.values())) - out_of_fold.miou(
        list(first.values())
    )
    assert low == pytest.approx(high) == pytest.approx(gain)
    assert out_of_fold.interval(first, second, seed=1) == pytest.approx((gain, gain))


def test_a_fold_that_is_done_is_not_trained_again(
    tmp_path: Path, segmentation_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(out_of_fold, "fcn", called.append)
    voc = tmp_path / "VOC2012"
    drawn.write_voc(voc, train=2, val=2)
    asked = argparse.Namespace(
        output=tmp_path, voc=voc, folds=2, recipe="voc21", init="F", int8=True, epochs=1
    )
    (tmp_path / "fold-1").mkdir()
    (tmp_path / "fold-1/bundle").symlink_to(segmentation_bundle)
    forms = out_of_fold.make_fold(1, asked)
    ((command, *words),) = called
    assert (command, "--int8" in words) == ("export", True)
    bundle, rounded = tmp_path / "fold-1/bundle", tmp_path / "fold-1/int8"
    assert forms == {
        "voc21, f32": (str(bundle), "f32"),
        "voc21, int8": (str(rounded), "int8"),
    }
    called.clear()
    out_of_fold.make_fold(0, asked)
    assert [words[0] for words in called] == ["convert", "train", "export", "export"]


@pytest.mark.slow
def test_a_recipe_is_judged_out_of_fold(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    voc = tmp_path / "VOCdevkit/VOC2012"
    drawn.write_voc(voc, train=4, val=4)
    model = build(ModelSpec(name="fcn8s", backbone="mobilenet_v2"))
    weights = tmp_path / "deeplabv3_mnv2_pascal_quant.tflite"
    tflite_files.save_deeplab(weights, tensors_of(model), per_channel=False)
    initial = tmp_path / "initial"
    out_of_fold.fcn(["models", "import", str(weights), "--output", str(initial)])
    names = sorted(set().union(*lists_of(voc).values()))
    only = tmp_path / "only.txt"
    only.write_text("\n".join(names[1:]))
    words = ["--voc", str(voc), "--init", str(weights), "--against", str(initial)]
    words += ["--only", str(only), "--folds", "2", "--epochs", "1"]
    words += ["--output", str(tmp_path / "out")]
    out_of_fold.main(words)
    *_, first, own = capfd.readouterr().out.splitlines()
    assert first.startswith(f"| {initial} | 7 | ")
    assert own.startswith("| voc21, f32 | 7 | ")
    assert find.is_bundle(str(tmp_path / "out/fold-1/bundle"))
    out_of_fold.main(words)
    again = capfd.readouterr().out
    assert "train segmentation" not in again
    assert again.splitlines()[-1] == own
