"""A model that does not answer what a data set asks is refused in one line."""

from pathlib import Path

import pytest

from fcn_core.records.record import SegmentationRecord
from pipelines.faults import UsageError
from tests.drawn import tiny_ratings
from tests.runs.evaluate_runs import plan, write


def test_what_does_not_fit_is_one_line(
    segmentation_bundle: Path,
    rating_bundle: Path,
    bundle: Path,
    records: list[SegmentationRecord],
    tmp_path: Path,
) -> None:
    data, output = write(tmp_path / "a", records[:1]), tmp_path / "out.json"
    with pytest.raises(UsageError, match="5 classes, expected the data set's 21 by na"):
        plan(segmentation_bundle, data, output)
    with pytest.raises(UsageError, match="a model for aesthetics, expected one for se"):
        plan(rating_bundle, data, output)
    with pytest.raises(UsageError, match="got split 'test', expected one of"):
        plan(bundle, data, output, "--split", "test")
    with pytest.raises(UsageError, match="got 8, which is the class cat"):
        plan(bundle, data, output, "--void", "8")
    with pytest.raises(UsageError, match=r"a file name ending in \.json"):
        plan(bundle, data, tmp_path / "out.txt")
    ten = tiny_ratings.draw_record(0, (1,) * 10)
    votes = tiny_ratings.write_finished(tmp_path / "r", [ten], 1)
    with pytest.raises(UsageError, match=r"ratings 1 to 5 in 5 bins, expected 1 to 10"):
        plan(rating_bundle, votes, output, "--split", "test")
    assert not output.exists()
