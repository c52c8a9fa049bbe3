"""The benchmark of working sizes gives the figures that an evaluation gives."""

from pathlib import Path

import pytest

from benchmarks import size_curve
from fcn_core import scoring
from fcn_core.evaluation.photo import segment
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.records.source import Source
from fcn_core.scoring import scorers
from tests.drawn import tiny_shards


def test_a_line_holds_the_miou_of_its_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny_shards.drawn_data(tmp_path, train=1, val=3)
    words = ["--data", str(data), "--model", "voc21"]
    source = Source(folder=data, split="val")
    found = []
    scorer = scorers.load_scorer("voc21", "openvino", "f32")
    classes = scorer.card.num_classes
    for max_side in (32, 64):
        photos = scoring.PhotoScorer([scorer], max_side=max_side)
        total = ConfusionMatrix.zero(classes)
        for record in source.records():
            total += segment(photos, record, class_ids=range(classes)).confusion
        point = size_curve.measure("voc21", source, max_side=max_side)
        assert point.miou == total.result().miou
        assert point.milliseconds > 0
        found.append(point.miou)
    assert found[0] != found[1]
    size_curve.main([*words, "--max_side", "32"])
    *_, line = capsys.readouterr().out.splitlines()
    label = scorer.card.label
    assert line.startswith(f"| {label} | 32 | {100 * found[0]:.1f} | ")
