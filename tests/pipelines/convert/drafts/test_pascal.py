"""`fcn convert voc --sbd` and `fcn convert sbd`: protocols, sources, hostile labels."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fcn_core import images
from fcn_core.datasets.pascal import drawn, sbd, voc
from fcn_core.records import tfrecord
from fcn_core.records.dataset_info import read_dataset_info
from fcn_core.records.record import SegmentationRecord
from pipelines.cli import main
from pipelines.convert.config import ConvertVocConfig
from pipelines.convert.drafts import draft, pascal
from tests.drawn import full_lists, tiny_data, tiny_sbd

pytestmark = pytest.mark.usefixtures("warm_lanes")
VOC_TRAIN = ["2007_000000", "2008_000001", "2008_000002"]
VOC_VAL = ["2007_000003", "2008_000004"]
SBD_TRAIN = ["2008_000001", "2008_000004", "2008_000010"]
SBD_VAL = ["2008_000002", "2008_000011"]


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    voc_root = tmp_path / "VOCdevkit" / "VOC2012"
    for number, source_id in enumerate((*VOC_TRAIN, *VOC_VAL)):
        height, width = tiny_data.ODD_SIZES[number % 3]
        scene = drawn.draw_scene(number, height=height, width=width)
        drawn.write_pair(voc_root, source_id, scene)
    drawn.write_list(voc_root, "train", VOC_TRAIN)
    drawn.write_list(voc_root, "val", VOC_VAL)
    return voc_root, tiny_sbd.sbd_tree(tmp_path / "sbd", train=SBD_TRAIN, val=SBD_VAL)


def convert(trees: tuple[Path, Path], out: Path, *flags: str) -> int:
    voc_root, sbd_root = trees
    words = ["convert", "voc", "--input", str(voc_root), "--sbd", str(sbd_root)]
    return main.main([*words, "--output", str(out), "--json", "--lanes", "1", *flags])


def records(out: Path, split: str) -> dict[str, SegmentationRecord]:
    found = [
        SegmentationRecord.parse(data)
        for path in read_dataset_info(out).shard_paths(out, split)
        for data in tfrecord.read_frames(path)
    ]
    return {record.source_id: record for record in found}


def rejected(out: Path) -> dict[str, str]:
    rows = pq.read_table(out / "rejected.parquet").to_pylist()
    return {row["id"]: row["reason"] for row in rows}


def test_trainaug_is_the_default_with_sbd(
    trees: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert convert(trees, out) == 0
    train, val = records(out, "train"), records(out, "val")
    assert sorted(val) == VOC_VAL
    assert sorted(train) == sorted({*VOC_TRAIN, *SBD_TRAIN, *SBD_VAL} - {*VOC_VAL})
    sources = {one: record.source for one, record in train.items()}
    assert sources == {
        **dict.fromkeys(VOC_TRAIN, "voc"),
        "2008_000010": "sbd",
        "2008_000011": "sbd",
    }
    expected = {
        one: tiny_data.load_pair(trees[source == "sbd"], one, source=source)
        for one, source in sources.items()
    }
    assert train == expected
    info = read_dataset_info(out)
    assert (info.splits["train"].published, info.splits["val"].published) == (
        10582,
        1449,
    )
    assert info.settings["protocol"] == "trainaug"


def test_sbd_preferred_and_a_rim_as_in_voc(
    trees: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert convert(trees, out, "--prefer", "sbd", "--void_rim", "2") == 0
    train = records(out, "train")
    assert {one for one, record in train.items() if record.source == "voc"} == {
        "2007_000000"
    }
    for one, record in train.items():
        if record.source == "sbd":
            assert 255 in images.decode_mask(record.label), one
            assert record == tiny_data.load_pair(
                trees[1], one, source="sbd", void_rim=2
            )
    assert read_dataset_info(out).settings["void_rim"] == 2


@pytest.mark.parametrize(
    ("protocol", "train", "val"),
    [
        ("restricted-1", 5, 2),
        ("restricted-2", 6, 1),
        ("restricted-3", 6, 1),
        ("keras-fcn", 5, 2),
    ],
)
def test_protocols_divide_what_is_there(
    trees: tuple[Path, Path], tmp_path: Path, protocol: str, train: int, val: int
) -> None:
    words = ["--input", str(trees[0]), "--sbd", str(trees[1])]
    words += ["--output", str(tmp_path / "out"), "--protocol", protocol]
    config, _ = ConvertVocConfig.parse(words)
    splits = draft.make_draft(pascal.draft_voc, config).splits
    assert {name: len(split.ids) for name, split in splits.items()} == {
        "train": train,
        "val": val,
    }


def test_leaks_into_vocs_val_are_reported(
    trees: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["convert", "voc", "--input", str(trees[0]), "--sbd", str(trees[1])]
    flags = ["--output", str(tmp_path / "out"), "--lanes", "1"]
    assert main.main([*words, *flags, "--protocol", "restricted-2"]) == 0
    assert "note: train holds 1 of the 2 photos of VOC's val" in capsys.readouterr().out


def test_the_fcn_papers_split(trees: tuple[Path, Path], tmp_path: Path) -> None:
    drawn.write_list(trees[0].parent / "VOC2011", "val", VOC_VAL)
    out = tmp_path / "out"
    assert convert(trees, out, "--protocol", "fcn") == 0
    assert sorted(records(out, "train")) == sorted(SBD_TRAIN)
    assert sorted(records(out, "val")) == ["2007_000003"]


def test_voc_alone_with_sbds_labels(trees: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert convert(trees, out, "--protocol", "voc", "--prefer", "sbd") == 0
    train, val = records(out, "train"), records(out, "val")
    assert sorted(train) == VOC_TRAIN and sorted(val) == VOC_VAL
    assert [record.source for record in val.values()] == ["voc", "sbd"]


def test_sbd_alone(trees: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["convert", "sbd", "--input", str(trees[1]), "--output", str(out)]
    assert main.main([*words, "--lanes", "1"]) == 0
    info = read_dataset_info(out)
    assert (info.dataset, info.splits["train"].published) == ("sbd", 8498)
    assert sorted(records(out, "val")) == sorted(SBD_VAL)
    assert {record.source for record in records(out, "train").values()} == {"sbd"}


def test_every_damaged_label_is_a_row(tmp_path: Path) -> None:
    damages = list(tiny_sbd.LABEL_DAMAGE)
    ids = [f"2008_{number:06d}" for number in range(len(damages) + 4)]
    tree = tiny_sbd.sbd_tree(tmp_path / "sbd", train=ids, val=[])
    (tree / "val.txt").unlink()
    expected = {}
    for source_id, damage in zip(ids, damages, strict=False):
        scene = drawn.draw_scene(int(source_id[-2:]), height=33, width=50)
        tiny_sbd.write_pair(tree, source_id, scene)
        reason, make = tiny_sbd.LABEL_DAMAGE[damage]
        label = make(tiny_sbd.hard_edges(scene.class_map))
        (tree / sbd.label_path(source_id)).write_bytes(label)
        expected[source_id] = reason
    (tree / sbd.image_path(ids[-2])).unlink()
    (tree / sbd.label_path(ids[-1])).unlink()
    expected |= {ids[-2]: "missing-image", ids[-1]: "missing-label"}
    out = tmp_path / "out"
    words = ["convert", "sbd", "--input", str(tree), "--output", str(out)]
    assert main.main([*words, "--lanes", "1"]) == 0
    assert rejected(out) == expected
    split = read_dataset_info(out).splits["train"]
    assert (split.read, split.records) == (len(ids), 2)


@pytest.mark.usefixtures("lane_processes")
def test_a_label_that_ends_its_process_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SciPy's reader has been seen to crash; this stands in for it.
    packages = tmp_path / "packages"
    fake = packages / "scipy" / "io.py"
    fake.parent.mkdir(parents=True)
    (fake.parent / "__init__.py").touch()
    fake.write_text(
        "import os, signal\n"
        "def loadmat(*arguments, **settings):\n"
        "    os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    tree = tiny_sbd.sbd_tree(tmp_path / "sbd", train=["2008_000001"], val=[])
    from pipelines.lanes import process

    real = process._environment
    monkeypatch.setattr(
        process,
        "_environment",
        lambda: {**real(), "PYTHONPATH": f"{packages}:{real()['PYTHONPATH']}"},
    )
    (tree / "val.txt").unlink()
    out = tmp_path / "out"
    words = ["convert", "sbd", "--input", str(tree), "--output", str(out)]
    assert main.main([*words, "--lanes", "1", "--max_error_rate", "1"]) == 0
    assert rejected(out) == {"2008_000001": "decoder-crash"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--protocol", "trainaug"], "--sbd is missing"),
        (["--void_rim", "2"], "--sbd is missing"),
        (["--sbd", "nowhere"], "benchmark.tgz (md5 82b4d87ceb2ed10f6038a1cba92111cb)"),
        (["--sbd", "{sbd}", "--protocol", "fcn"], "seg11valid"),
        (["--sbd", "{sbd}", "--split", "trainval"], "train or val of --protocol"),
        (["--sbd", "{sbd}", "--protocol", "trainug"], "'trainaug'"),
        (["--sbd", "{sbd}", "--prefer", "both"], "--prefer"),
    ],
)
def test_usage_errors_are_one_line(
    trees: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    message: str,
) -> None:
    flags = [flag.format(sbd=trees[1]) for flag in flags]
    words = ["convert", "voc", "--input", str(trees[0]), "--output"]
    assert main.main([*words, str(tmp_path / "out"), *flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_lists_of_another_release_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = full_lists.draw()
    voc_root, sbd_root = full_lists.write(tmp_path, lists)
    drawn.write_list(voc_root, "val", (*lists.voc_val[1:], lists.sbd_train[0]))
    assert convert((voc_root, sbd_root), tmp_path / "out") == 2
    assert "expected 10582 from complete lists" in capsys.readouterr().err


def test_other_mixtures_need_another_output(
    trees: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert convert(trees, out) == 0
    for flags, named in (
        (["--prefer", "sbd"], "--prefer: got"),
        (["--void_rim", "1"], "--void_rim: got"),
        (["--protocol", "restricted-1"], "--protocol: got"),
    ):
        capsys.readouterr()
        assert convert(trees, out, *flags) == 2
        assert named in capsys.readouterr().err
    assert convert(trees, out) == 0


def test_a_photo_in_both_trees_is_one_record(
    trees: tuple[Path, Path], tmp_path: Path
) -> None:
    shutil.copy(
        trees[0] / voc.image_path("2008_000001"),
        trees[1] / sbd.image_path("2008_000001"),
    )
    out = tmp_path / "out"
    assert convert(trees, out) == 0
    info = read_dataset_info(out)
    assert (info.rejected, info.warnings) == ({}, {})
    assert np.array_equal(
        images.decode_mask(records(out, "train")["2008_000001"].label),
        images.decode_mask((trees[0] / voc.label_path("2008_000001")).read_bytes()),
    )


def test_an_own_tree_says_whose_classes_are_taken(tmp_path: Path) -> None:
    root = tmp_path / "own"
    for number in range(3):
        scene = drawn.draw_scene(number, height=30, width=40)
        drawn.write_pair(root, f"frame-{number:02}", scene)
    drawn.write_list(root, "train", ["frame-00  -1", "frame-02  1"])
    words = ["convert", "voc", "--input", str(root), "--output", str(tmp_path / "out")]
    assert main.main([*words, "--json", "--lanes", "1"]) == 0
    info = read_dataset_info(tmp_path / "out")
    assert sorted(records(tmp_path / "out", "train")) == ["frame-00", "frame-02"]
    assert info.splits["train"].published is None
    (remark,) = info.remarks
    assert "fcn convert folder" in remark
    labels = [record.label for record in records(tmp_path / "out", "train").values()]
    counts = [images.count_values(images.decode_mask(label)) for label in labels]
    pixels = np.sum(counts, axis=0)
    assert info.pixels == {str(n): pixels[n] for n in np.flatnonzero(pixels)}
