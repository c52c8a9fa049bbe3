"""The benchmark of working sizes gives the figures that an evaluation gives."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import size_curve
from fcn_core import images, scoring
from fcn_core.evaluation.photo import segment
from fcn_core.labels import VOID
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.records.record import SegmentationRecord
from fcn_core.records.source import Source
from fcn_core.scoring import scorers
from tests.drawn import tiny_data, tiny_models, tiny_shards


def _with_few_classes(record: SegmentationRecord) -> SegmentationRecord:
    """Returns a pair whose classes are those of the tiny bundle."""
    label = images.decode_mask(record.label)
    label[label != VOID] %= len(tiny_models.CLASSES)
    return replace(record, label=tiny_data.png(label))


def test_a_line_holds_the_miou_of_its_size(
    tmp_path: Path, segmentation_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = tiny_shards.drawn_records(tmp_path / "tree", train=1, val=3)
    for split, pairs in records.items():
        records[split] = [_with_few_classes(pair) for pair in pairs]
    data = tiny_shards.write_finished(tmp_path / "data", records)
    model = str(segmentation_bundle)
    words = ["--data", str(data), "--model", model]
    source = Source(folder=data, split="val")
    found = []
    scorer = scorers.load_scorer(model, "openvino", "f32")
    classes = scorer.card.num_classes
    for max_side in (32, 64):
        photos = scoring.PhotoScorer([scorer], max_side=max_side)
        total = ConfusionMatrix.zero(classes)
        for record in source.records():
            total += segment(photos, record, class_ids=range(classes)).confusion
        point = size_curve.measure(model, source, max_side=max_side)
        assert point.miou == total.result().miou
        assert point.milliseconds > 0
        found.append(point.miou)
    assert found[0] != found[1]
    size_curve.main([*words, "--max_side", "32"])
    *_, line = capsys.readouterr().out.splitlines()
    label = scorer.card.label
    assert line.startswith(f"| {label} | 32 | {100 * found[0]:.1f} | ")
