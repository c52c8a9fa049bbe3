"""`fcn evaluate` equals a plain loop, for every cut; bad input is a row or a line."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fcn_core import images, scoring
from fcn_core.bundles import photo_list
from fcn_core.bundles.card import ModelCard, ModelError
from fcn_core.bundles.seal import seal
from fcn_core.evaluation import photo
from fcn_core.labels import VOC_CLASSES
from fcn_core.metrics import ratings
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.records import dataset_info, tfrecord
from fcn_core.records.record import SegmentationRecord
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.evaluate import finish, worker, worst
from pipelines.evaluate.config import EvaluateConfig
from pipelines.evaluate.data import Data
from pipelines.evaluate.figures import read_figures
from pipelines.evaluate.layout import EvaluationFiles
from pipelines.evaluate.leak import find_leak
from pipelines.evaluate.plan import plan_evaluation
from pipelines.evaluate.rows import PHOTOS_SCHEMA
from pipelines.faults import AboveThreshold, UsageError
from pipelines.pages import evaluation as pages_evaluation
from tests.drawn import tiny_models, tiny_ratings, tiny_shards
from tests.runs import score_runs

NOT_DECIDED = ("seconds", "images_per_second", "command", "settings")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[SegmentationRecord]:
    root = tmp_path_factory.mktemp("tree")
    return tiny_shards.drawn_records(root, train=7, val=0)["train"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose classes are VOC's in another order."""
    import keras

    from fcn_core.export.bundle import export

    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("bundle") / "model"
    card = tiny_models.draw_card(classes=list(VOC_CLASSES[::-1]))
    export(tiny_models.draw_network(channels=21), folder, card)
    return folder


def write(folder: Path, records: list[SegmentationRecord]) -> Path:
    return tiny_shards.write_finished(folder, {"val": records})


def plan(model: Path | str, data: Path, output: Path, *more: str) -> Any:
    where = ["--model", str(model), "--data", str(data), "--output", str(output)]
    config, _ = EvaluateConfig.parse([*where, "--split", "val", *more])
    return plan_evaluation(config)


def run(
    evaluation: Any, *, lane_count: int = 1, max_error_rate: float = 0.05
) -> dict[str, Any]:
    """Runs a job as the graph would, without Beam."""
    job = worker.job(
        evaluation, lanes=lane_count, max_error_rate=max_error_rate, command="fcn"
    )
    with Attempt() as attempt:
        total = sum(job.worker.process(range(job.chunks), attempt), Counts())
        job.finish(total, attempt)
    return finish.read_verdict(evaluation).model_dump(mode="json")


def measured(figures: dict[str, Any]) -> dict[str, Any]:
    left_out = (*NOT_DECIDED, "data_fingerprint")
    return {name: value for name, value in figures.items() if name not in left_out}


def test_equals_a_plain_loop_for_any_shards_chunks_and_lanes(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    photos = scoring.PhotoScorer([scoring.load_scorer(str(bundle), "openvino", "f32")])
    by_hand = ConfusionMatrix.zero(21)
    for record in records:
        mask = photos.score_photo(record.encoded).mask_png
        assert mask is not None
        guess = 20 - images.decode_mask(mask)  # the names stand the other way round
        by_hand += ConfusionMatrix.of(
            images.decode_mask(record.label), guess, classes=21
        )
    scores = by_hand.result()
    data = write(tmp_path / "a", records)
    flags = ("--precision", "f32", "--engine", "openvino")
    one = run(plan(bundle, data, tmp_path / "one.json", "--chunk_size", "2", *flags))
    assert one["confusion"] == by_hand.counts.tolist()
    assert one["miou"] == scores.miou
    assert one["iou"]["background"] == scores.iou[0]
    assert (one["images"], one["planned"], one["failed"]) == (7, 7, 0)
    other = write(tmp_path / "b", records[::-1][:2] + records[:5])
    two = run(plan(bundle, other, tmp_path / "two.json", *flags), lane_count=2)
    assert measured(two) == measured(one)


def test_commands_publish_once_and_refuse_another_evaluation(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    data, output = write(tmp_path / "a", records[:3]), tmp_path / "out.json"
    words: list[str | Path] = [
        "evaluate",
        "--model",
        bundle,
        "--data",
        data,
        "--split",
        "val",
    ]
    words += ["--output", output, "--lanes", "1", "--precision", "f32"]
    told = score_runs.fcn(*words)
    assert told.code == 0, told.stderr
    assert "aeroplane" in told.stdout
    assert "3 planned = 3 evaluated + 0 failed" in told.stdout
    figures = json.loads(output.read_text())
    page = (tmp_path / "out.html").read_text()
    assert page.count("<figure>") == 9
    assert "http" not in page.replace("http-equiv", "")
    assert pq.read_table(tmp_path / "out.photos.parquet").num_rows == 3
    assert sorted(path.name for path in tmp_path.glob("out*")) == [
        "out.html",
        "out.json",
        "out.photos.parquet",
    ]
    again = score_runs.fcn(*words, "--json")
    assert again.code == 0
    assert json.loads(again.stdout) == figures
    other = score_runs.fcn(*words, "--max_side", "64")
    assert other.code == 2
    assert "max_side: got 64, expected null" in other.stderr


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


def test_nothing_usable_is_not_published(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    small = images.encode_grey(np.zeros((3, 4), np.uint8))
    bad = [dataclasses.replace(record, label=small) for record in records[:2]]
    evaluation = plan(bundle, write(tmp_path / "a", bad), tmp_path / "out.json")
    with pytest.raises(AboveThreshold, match=r"none of 2 succeeded \(corrupt 2\)"):
        run(evaluation)
    assert not (tmp_path / "out.json").exists()


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
    assert [one.computed for one in counts] == [0, 0, 1]
    job.finish(sum(counts, Counts()), attempt)
    whole = run(plan(bundle, data, tmp_path / "whole.json"))
    assert measured(
        finish.read_verdict(evaluation).model_dump(mode="json")
    ) == measured(whole)


def card_trained_on(**training: Any) -> ModelCard:
    return tiny_models.draw_card(training=training)


Trained = Callable[[dataset_info.DatasetInfo], dict[str, str]]


@pytest.mark.parametrize(
    ("training", "why", "compared", "not_compared"),
    [
        (lambda info: {}, None, "nothing", "does not name its training data"),
        (
            lambda info: {"data_split": "val", "data_fingerprint": info.fingerprint},
            "trained on the split val of this data set",
            "names of splits",
            "initial weights",
        ),
        (
            lambda info: {"data_split": "train", "data_fingerprint": info.fingerprint},
            "share 1 photos by sha256 and 1 by id",
            "sha256 and ids of 2 photos of val with 3 of train",
            "initial weights",
        ),
        (
            lambda info: {"data_split": "test", "data_fingerprint": "0" * 64},
            None,
            "nothing",
            "data 000000000000, which it was trained on, is not this folder",
        ),
        (
            lambda info: {
                "data": "voc",
                "data_split": "val",
                "data_fingerprint": "0" * 64,
            },
            "another folder of voc (000000000000) and does not list its photos",
            "nothing",
            "is not this folder",
        ),
    ],
)
def test_leaks_are_found_and_told(
    training: Trained,
    why: str | None,
    compared: str,
    not_compared: str,
    records: list[SegmentationRecord],
    tmp_path: Path,
) -> None:
    splits = {"train": records[:3], "val": records[2:4]}
    data = tiny_shards.write_finished(tmp_path / "a", splits)
    info = dataset_info.read_dataset_info(data)
    card = card_trained_on(**training(info))
    leak = find_leak(card, tmp_path, Data.open(str(data), "val"))
    assert (leak.why is None) == (why is None)
    assert (why or "") in (leak.why or "")
    assert compared in leak.compared
    assert not_compared in leak.not_compared


def listing_bundle(folder: Path, bundle: Path, learned: list[Any]) -> Path:
    """Returns a copy of a bundle that lists the photos it learned from."""
    shutil.copytree(bundle, folder)
    (folder / photo_list.PHOTOS_NAME).write_bytes(
        photo_list.encode(photo_list.photos_of(learned))
    )
    card = ModelCard.read(folder)
    training = {"data": "voc", "data_split": "train", "data_fingerprint": "0" * 64}
    card = card.model_copy(update={"training": training})
    seal(card, folder, network=card.network).write(folder)
    return folder


def test_a_bundle_knows_its_photos_in_any_folder(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    """Neither shards nor names of splits hide a photo; other photos are let through."""
    model = listing_bundle(tmp_path / "model", bundle, records[:4])
    assert ModelCard.read(model).fingerprint == ModelCard.read(bundle).fingerprint
    again = {"val": records[2:7], "train": records[5:7]}
    data = tiny_shards.write_finished(tmp_path / "a", again)
    with pytest.raises(
        UsageError, match=r"trained on 2 of the 5 photos of val; .*--allow_leak"
    ) as told:
        plan(model, data, tmp_path / "out.json")
    assert "\n" not in str(told.value)
    plan(model, data, tmp_path / "out.json", "--allow_leak")
    clean = plan(model, data, tmp_path / "clean.json", "--split", "train")
    assert clean.plan.leak.why is None
    assert "2 photos of train with the 4 that" in clean.plan.leak.compared
    same_id = [dataclasses.replace(records[5], sha256="0" * 64)]
    data = tiny_shards.write_finished(
        tmp_path / "b", {"val": same_id, "train": records[5:6]}
    )
    with pytest.raises(UsageError, match="share 0 photos by sha256 and 1 by id"):
        plan(model, data, tmp_path / "id.json")


def test_a_damaged_list_of_photos_is_one_line(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    model = listing_bundle(tmp_path / "model", bundle, records[:4])
    data = write(tmp_path / "a", records[5:])
    listed = model / photo_list.PHOTOS_NAME
    listed.write_bytes(listed.read_bytes()[:-8])
    with pytest.raises(UsageError, match=r"training_photos\.bin in .*copy the whole"):
        plan(model, data, tmp_path / "out.json")
    listed.unlink()
    with pytest.raises(UsageError, match=r"lacks training_photos\.bin"):
        plan(model, data, tmp_path / "out.json")
    for damaged in (b"7 bytes", b"\x01" * 8 + b"\x00" * 8):
        listed.write_bytes(damaged)
        with pytest.raises(ModelError, match="no ascending list"):
            photo_list.read(model)


def test_a_leaking_split_needs_a_word(
    bundle: Path, records: list[SegmentationRecord], tmp_path: Path
) -> None:
    data = write(tmp_path / "a", records[:1])
    info = dataset_info.read_dataset_info(data)
    card = ModelCard.read(bundle)
    leaking = tmp_path / "leaking"
    leaking.mkdir()
    for path in bundle.iterdir():
        (leaking / path.name).symlink_to(path)
    (leaking / "model_card.json").unlink()
    training = {"data_split": "val", "data_fingerprint": info.fingerprint}
    card.model_copy(update={"training": training}).write(leaking)
    with pytest.raises(UsageError, match=r"trained on the split val.*--allow_leak"):
        plan(leaking, data, tmp_path / "out.json")
    allowed = plan(leaking, data, tmp_path / "out.json", "--allow_leak")
    assert allowed.plan.leak.why is not None


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


def test_ratings_equal_a_plain_loop_for_any_shards(
    rating_bundle: Path, tmp_path: Path
) -> None:
    drawn = [tiny_ratings.draw_record(n, v) for n, v in enumerate(tiny_ratings.VOTES)]
    photos = scoring.PhotoScorer(
        [scoring.load_scorer(str(rating_bundle), "openvino", "f32")]
    )
    bins = tiny_models.BINS
    rows = [photo.rate(photos, one, bins=bins).row for one in drawn]
    by_hand = ratings.RatingRows.total(bins, rows).result()
    found = []
    for name, shards, records in (("a", 1, drawn), ("b", 3, drawn[::-1])):
        data = tiny_ratings.write_finished(tmp_path / name, records, shards)
        flags = ("--split", "test", "--precision", "f32", "--engine", "openvino")
        evaluation = plan(rating_bundle, data, tmp_path / f"{name}.json", *flags)
        found.append(run(evaluation, lane_count=shards))
    assert measured(found[0]) == measured(found[1])
    assert found[0]["srcc_mean"] == by_hand.srcc_mean
    assert found[0]["emd_r2"] == by_hand.emd_r2
    assert found[0]["baselines"]["constant_emd_r1"] == by_hand.constant_emd_r1
    worst_rows = pq.read_table(tmp_path / "a.work/worst.parquet").to_pylist()
    gaps = [abs(row["predicted_mean"] - row["target_mean"]) for row in worst_rows]
    assert gaps == sorted(gaps, reverse=True)
    assert all(row["photo"] for row in worst_rows)
    page = tmp_path / "a.html"
    output = str(tmp_path / "a.json")
    pages_evaluation.build(read_figures(output), EvaluationFiles(output))
    assert page.read_text().count("<figure>") == len(drawn)
    assert f"{by_hand.constant_emd_r1:.4f}" in page.read_text()


def test_worst_twenty_of_more_photos_with_ties_and_gaps() -> None:
    """The worst first; of equal ones the first in the data; no figure, no place."""
    rows: list[dict[str, Any]] = []
    for number in range(25):
        badness = None if number in (3, 11) else number * 7 % 5 / 8  # many are equal
        sign = -1 if number % 3 else 1  # too low is as bad as too high
        rows.append(
            {
                "status": "ok",
                "shard": f"val-{number % 2}",
                "record": number,
                "iou": None if badness is None else 1 - badness,
                "predicted_mean": None if badness is None else 5 + sign * badness,
                "target_mean": 5.0,
            }
        )
    known = [row for row in rows if row["iou"] is not None]
    known.sort(key=lambda row: (row["iou"], row["shard"], row["record"]))
    expected = [row["record"] for row in known[:20]]
    assert known[19]["iou"] == known[20]["iou"]  # a tie at the border
    for order in (rows, rows[::-1]):
        table = pa.Table.from_pylist(order, schema=PHOTOS_SCHEMA)
        for task in ("segmentation", "aesthetics"):
            found = worst.find_worst(table, task)
            assert [row["record"] for row in found] == expected


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
