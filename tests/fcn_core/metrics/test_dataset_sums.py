"""Sums over a data set: added up in any order and grouping, and what they say."""

import functools
import math
import operator
import os
import random
from pathlib import Path

import numpy as np
import pytest

from fcn_core.datasets import votes
from fcn_core.datasets.ava.table import parse_table
from fcn_core.metrics.dataset_sums import LabelSums, PhotoSums
from fcn_core.metrics.rating_moments import RatingMoments


def ratings(rows: list[list[int]]) -> RatingMoments:
    moments = [votes.moments(row) for row in rows]
    return RatingMoments.of(
        means=[mean for mean, _ in moments],
        stds=[std for _, std in moments],
        votes=rows,
        labels=[votes.label(row) for row in rows],
    )


def drawn_rows(count: int) -> list[list[int]]:
    generator = np.random.default_rng(7)
    return (1 + generator.integers(0, 60, (count, 10))).tolist()


@pytest.mark.parametrize("parts", [2, 7, 60])
def test_ratings_add_up_exactly_however_they_are_cut(parts: int) -> None:
    rows = drawn_rows(60)
    pieces = [ratings(rows[i::parts]) for i in range(parts)]
    random.Random(parts).shuffle(pieces)
    total = functools.reduce(operator.add, pieces, RatingMoments())
    assert total == ratings(rows)
    assert total.result() == ratings(rows).result()


def test_ratings_are_those_of_a_plain_computation() -> None:
    rows = drawn_rows(200)
    means, stds = np.array([votes.moments(row) for row in rows]).T
    found = ratings(rows).result()
    assert found["mean"]["mean"] == pytest.approx(means.mean(), abs=1e-12)
    assert found["mean"]["std"] == pytest.approx(means.std(), abs=1e-9)
    assert found["std"]["mean"] == pytest.approx(stds.mean(), abs=1e-7)
    assert found["mean"]["lowest"] == round(means.min(), 2)
    assert found["votes"] == {
        str(i): int(n) for i, n in enumerate(np.sum(rows, axis=0), start=1)
    }
    assert sum(found["means"].values()) == sum(found["stds"].values()) == 200


def test_a_mean_without_votes_has_no_spread() -> None:
    found = RatingMoments.of(means=[7.5], stds=[math.nan], votes=[[]], labels=[-1])
    assert found.result()["mean"]["mean"] == 7.5
    assert found.result()["std"]["mean"] is None
    assert found.result()["votes_of_an_image"]["mean"] is None
    assert RatingMoments().result()["mean"]["mean"] is None


def label(*rows: str) -> np.ndarray:
    """Counts a label drawn with letters: a is class 0, b is 1, a dot is void."""
    ids = [255 if letter == "." else ord(letter) - 97 for row in rows for letter in row]
    return np.bincount(ids, minlength=256)


def test_labels_are_counted_by_class_void_and_source() -> None:
    found = (
        LabelSums.of(label("aab.", "aabb"), source="voc")
        + LabelSums.of(label("aaaa"), source="sbd")
        + LabelSums.of(label("cc"), source="sbd")
    ).result(["background", "bicycle", "cat"])
    by_name = {row["name"]: row for row in found["classes"]}
    assert [by_name[n]["images"] for n in ("background", "bicycle", "cat")] == [2, 1, 1]
    assert [by_name[n]["pixels"] for n in ("background", "bicycle", "cat")] == [8, 3, 2]
    assert by_name["background"]["share"] == 8 / 13
    assert by_name["bicycle"]["share_where_present"] == 3 / 7
    assert found["void"]["share"] == 1 / 14 and found["void"]["images"] == 1
    assert found["void"]["share_of_an_image"]["highest"] == 0.125
    assert found["void"]["thousandths"] == {"0": 2, "125": 1}
    assert found["sources"] == {
        "sbd": {"images": 2, "void_share": 0.0},
        "voc": {"images": 1, "void_share": 0.125},
    }


def test_labels_and_photos_add_up_in_any_order() -> None:
    first = LabelSums.of(label("aab."), source="voc")
    other = LabelSums.of(label("cc"), source="sbd")
    assert first + other == other + first
    assert first + LabelSums() == first
    photos = [
        PhotoSums.of(
            widths=np.array([w]),
            heights=np.array([h]),
            formats=["jpeg"],
            channels=np.array([3]),
            orientations=np.array([1]),
        )
        for w, h in ((500, 375), (375, 500), (500, 500))
    ]
    total = photos[0] + photos[1] + photos[2]
    assert total == photos[2] + (photos[1] + photos[0])
    assert total.shapes == {"landscape": 1, "portrait": 1, "square": 1}
    assert total.result()["longer_sides"] == {"500": 3}
    assert total.result()["width"]["quantiles"]["0.5"] == 500


def test_sums_survive_their_json() -> None:
    first = LabelSums.of(label("aab."), source="voc")
    assert LabelSums.model_validate_json(first.model_dump_json()) == first


@pytest.mark.skipif(
    "FCN_AVA_ROOT" not in os.environ, reason="FCN_AVA_ROOT (AVA.txt) is not set"
)
def test_the_real_votes_have_the_published_statistics() -> None:
    """The figures of 25,551 public rows, from moments added up piece by piece."""
    table = parse_table((Path(os.environ["FCN_AVA_ROOT"]) / "AVA.txt").read_bytes())
    if len(table.rows) != 25_551:
        pytest.skip(f"{len(table.rows)} rows, expected the public 25,551")
    rows = [list(row.votes) for row in table.rows.values()]
    pieces = (ratings(rows[i : i + 999]) for i in range(0, len(rows), 999))
    found = functools.reduce(operator.add, pieces).result()
    counts, mean = found["votes_of_an_image"], found["mean"]
    assert (counts["lowest"], counts["highest"]) == (81, 520)
    assert round(counts["mean"], 1) == 210.8
    assert (mean["lowest"], mean["highest"]) == (1.81, 8.57)
    assert (round(mean["mean"], 3), round(mean["std"], 3)) == (5.377, 0.734)
    assert [*mean["quantiles"].values()] == [3.55, 4.45, 5.38, 6.30, 7.07]
    assert round(found["std"]["mean"], 3) == 1.431
    assert round(100 * found["labels"]["1"] / 25_551, 2) == 70.26
