"""`fcn evaluate` equals a plain loop, for every cut; bad records are rows."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fcn_core import images, scoring
from fcn_core.evaluation import photo
from fcn_core.metrics import ratings
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.records import tfrecord
from fcn_core.records.record import SegmentationRecord
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.evaluate import finish, worker
from pipelines.evaluate.figures import read_figures
from pipelines.evaluate.layout import EvaluationFiles
from pipelines.pages import evaluation as pages_evaluation
from tests.drawn import tiny_models, tiny_ratings
from tests.runs.evaluate_runs import comparable, plan, run, write


def test_equals_a_plain_loop_for_any_shards_chunks_and_lanes(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    photos = scoring.PhotoScorer([scoring.load_scorer(str(bundle), "openvino", "f32")])
    expected = ConfusionMatrix.zero(21)
    for record in records:
        mask = photos.score_photo(record.encoded).mask_png
        assert mask is not None
        guess = 20 - images.decode_mask(mask)  # the names stand the other way round
        expected += ConfusionMatrix.of(
            images.decode_mask(record.label), guess, classes=21
        )
    scores = expected.result()
    data = write(tmp_path / "a", records)
    flags = ("--precision", "f32", "--engine", "openvino")
    one = run(plan(bundle, data, tmp_path / "one.json", "--chunk_size", "2", *flags))
    assert one["confusion"] == expected.counts.tolist()
    assert one["miou"] == scores.miou
    assert one["iou"]["background"] == scores.iou[0]
    assert (one["images"], one["planned"], one["failed"]) == (7, 7, 0)
    other = write(tmp_path / "b", records[::-1][:2] + records[:5])
    two = run(plan(bundle, other, tmp_path / "two.json", *flags), lane_count=2)
    assert comparable(two) == comparable(one)


def test_damaged_records_are_rows_with_reasons(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    data = write(tmp_path / "a", records[:6])  # shards of records 0 2 4, and 1 3 5
    first, second = sorted(data.glob("val-*.tfrecord"))
    flipped = bytearray(first.read_bytes())
    offsets = list(tfrecord.frame_offsets(first))
    flipped[offsets[1] + 40] ^= 1
    first.write_bytes(flipped)
    cut = list(tfrecord.frame_offsets(second))
    second.write_bytes(second.read_bytes()[: cut[2] - 9])
    evaluation = plan(bundle, data, tmp_path / "out.json")
    figures = run(evaluation)
    assert (figures["planned"], figures["images"], figures["failed"]) == (6, 3, 3)
    assert figures["failures"] == {"corrupt": 3}
    rows = pq.read_table(tmp_path / "out.photos.parquet").to_pylist()
    failed = [(r["shard"], r["record"]) for r in rows if r["status"] == "failed"]
    assert failed == [(first.name, 1), (second.name, 1), (second.name, 2)]


def test_goes_on_after_a_kill(
    bundle: Path,
    records: list[SegmentationRecord],
    tmp_path: Path,
    attempt: Attempt,
) -> None:
    data = write(tmp_path / "a", records[:3])
    evaluation = plan(bundle, data, tmp_path / "out.json", "--chunk_size", "1")
    job = worker.job(evaluation, lanes=1, max_error_rate=0, command="fcn")
    assert len(list(job.worker.process(range(2), attempt))) == 2
    counts = list(job.worker.process(range(3), attempt))
    assert [found.computed for found in counts] == [0, 0, 1]
    job.finish(sum(counts, Counts()), attempt)
    whole = run(plan(bundle, data, tmp_path / "whole.json"))
    assert comparable(
        finish.read_verdict(evaluation).model_dump(mode="json")
    ) == comparable(whole)


def test_ratings_equal_a_plain_loop_for_any_shards(
    rating_bundle: Path, tmp_path: Path
) -> None:
    drawn = [tiny_ratings.draw_record(n, v) for n, v in enumerate(tiny_ratings.VOTES)]
    photos = scoring.PhotoScorer(
        [scoring.load_scorer(str(rating_bundle), "openvino", "f32")]
    )
    bins = tiny_models.BINS
    rows = [photo.rate(photos, record, bins=bins).row for record in drawn]
    expected = ratings.RatingRows.total(bins, rows).result()
    found = []
    for name, shards, records in (("a", 1, drawn), ("b", 3, drawn[::-1])):
        data = tiny_ratings.write_finished(tmp_path / name, records, shards)
        flags = ("--split", "test", "--precision", "f32", "--engine", "openvino")
        evaluation = plan(rating_bundle, data, tmp_path / f"{name}.json", *flags)
        found.append(run(evaluation, lane_count=shards))
    assert comparable(found[0]) == comparable(found[1])
    assert found[0]["srcc_mean"] == expected.srcc_mean
    assert found[0]["emd_r2"] == expected.emd_r2
    assert found[0]["baselines"]["constant_emd_r1"] == expected.constant_emd_r1
    worst_rows = pq.read_table(tmp_path / "a.work/worst.parquet").to_pylist()
    gaps = [abs(row["predicted_mean"] - row["target_mean"]) for row in worst_rows]
    assert gaps == sorted(gaps, reverse=True)
    assert all(row["photo"] for row in worst_rows)
    page = tmp_path / "a.html"
    output = str(tmp_path / "a.json")
    pages_evaluation.build(read_figures(output), EvaluationFiles(output))
    assert page.read_text().count("<figure>") == len(drawn)
    assert f"{expected.constant_emd_r1:.4f}" in page.read_text()


def test_training_rates_as_fcn_evaluate_does(tmp_path: Path) -> None:
    from fcn_core.export.bundle import export
    from fcn_core.records.source import Source
    from fcn_core.training.objectives.ratings import RatingObjective
    from tests.drawn.tiny_recipes import RATING

    network = tiny_models.draw_network(seed=2, channels=10)
    bins = list(RATING.model.rating_bins)
    objective = RatingObjective(RATING.model, RATING)
    objective.card = tiny_models.draw_card("aesthetics", rating_bins=bins)
    export(network, tmp_path / "bundle", objective.card)
    drawn = [
        tiny_ratings.draw_record(n, (*votes, n, 0, 0, 1, 0))
        for n, votes in enumerate(((1, 2, 3, 4, 0), (0, 1, 9, 0, 0), (5, 5, 0, 1, 0)))
    ]
    data = tiny_ratings.write_finished(tmp_path / "data", drawn, 1)
    flags = ("--split", "test", "--precision", "f32", "--engine", "openvino")
    figures = run(plan(tmp_path / "bundle", data, tmp_path / "out.json", *flags))
    figures |= figures["baselines"]
    trained = objective.scores(network, Source(folder=data, split="test"))
    assert {"srcc_mean", "lcc_std", "emd_r1", "constant_emd_r2"} <= set(trained)
    for name, value in trained.items():
        assert value == pytest.approx(figures[name], abs=1e-4), name
