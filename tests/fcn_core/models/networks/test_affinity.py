"""Scores that mix with their neighbours, by weights of a branch."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from fcn_core.models.build import build, build_model, layer_group
from fcn_core.models.networks.affinity import MixNeighbours
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import transfer
from tests.drawn.tiny_networks import draw_floats, scramble, small_spec

FULL = 100.0
"""What the branch gives for the strongest weight there is, 0.25."""


def mixed(
    scores: NDArray[np.float32], branch: NDArray[np.float32], *distances: int
) -> NDArray[np.float32]:
    """The layer's answer for one photo, `[h, w, C]`."""
    return np.asarray(MixNeighbours(distances)([scores[None], branch[None]]))[0]


def test_a_step_moves_each_cell_towards_its_neighbour_or_away() -> None:
    scores = np.zeros((3, 4, 2), np.float32)
    scores[:, 2:] = (8.0, -4.0)
    branch = np.zeros((3, 4, 8), np.float32)
    right, left = 4, 3  # of the eight, row by row without the cell itself
    branch[0, 1, right] = FULL
    branch[1, 1, right] = -FULL
    branch[2, 2, left] = FULL
    expected = scores.copy()
    expected[0, 1] = (2.0, -1.0)
    expected[1, 1] = (-2.0, 1.0)
    expected[2, 2] = (6.0, -3.0)
    assert np.allclose(mixed(scores, branch, 1), expected, atol=1e-6)


def test_steps_follow_each_other_and_reach_as_far_as_they_say() -> None:
    scores = np.zeros((1, 7, 1), np.float32)
    scores[0, 3] = 16.0
    branch = np.zeros((1, 7, 16), np.float32)
    branch[..., 4] = FULL  # first step: two cells to the right
    branch[..., 8 + 3] = FULL  # then one to the left
    after_two = [0.0, 4.0, 0.0, 12.0, 0.0, 0.0, 0.0]
    expected = [0.75 * after_two[i] + 0.25 * after_two[i - 1] for i in range(1, 7)]
    assert np.allclose(mixed(scores, branch, 2, 1)[0, 1:, 0], expected, atol=1e-5)


def test_beyond_the_border_scores_are_zero() -> None:
    scores = np.full((1, 1, 1), 8.0, np.float32)
    branch = np.full((1, 1, 8), FULL, np.float32)
    assert mixed(scores, branch, 1)[0, 0, 0] == pytest.approx(8.0 - 8 * 0.25 * 8.0)


@pytest.mark.parametrize("name", ["fcn8s", "fcn32s", "dilated"])
def test_an_untrained_branch_changes_nothing(name: str) -> None:
    plain = scramble(build(small_spec(name)))
    spec = dataclasses.replace(small_spec(name), affinity=4)
    edges = build(spec)
    report = transfer(plain, edges)
    assert report.new == ("affinity_features", "affinity_weights")
    photo = draw_floats(64, 96)
    assert np.allclose(edges(photo), plain(photo), rtol=1e-6, atol=1e-6)
    groups = {layer_group(layer.name) for layer in edges.layers}
    assert groups == {"backbone", "head", "affinity"} | (
        {"skip"} if name == "fcn8s" else set()
    )


def test_a_trained_branch_does_for_photos_of_any_size() -> None:
    model = scramble(build(dataclasses.replace(small_spec(), affinity=4)))
    for height, width in ((1, 1), (33, 70)):
        found = model(draw_floats(height, width))
        assert tuple(found.shape) == (1, -(-height // 8), -(-width // 8), 3)


def test_the_layer_survives_a_saved_model(tmp_path: Path) -> None:
    model = scramble(build(dataclasses.replace(small_spec(), affinity=4)))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    photo = draw_floats(40, 40)
    assert np.array_equal(again(photo), model(photo))


@pytest.mark.parametrize(
    "options",
    [
        {"affinity": -1},
        {"name": "deconvnet", "backbone": "vgg16", "affinity": 4},
        {"task": "aesthetics", "name": "rating", "classes": 10, "affinity": 4},
        {"backbone": "vgg16", "geometry": "caffe", "affinity": 4},
    ],
)
def test_where_there_are_no_edges_to_follow_is_one_line(options: dict) -> None:
    with pytest.raises(ValueError, match=r"^affinity: got .*, expected 0 or more"):
        build_model(**({"backbone": "mobilenet_v2"} | options))


def test_one_number_switches_it_on() -> None:
    assert ModelSpec(backbone="mobilenet_v2").affinity == 0
