"""Steps: parts add up to the whole, averages are averages, groups have their rates."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fcn_core.evaluation.keras_engine import KerasEngine
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import tensors_of
from fcn_core.recipes import RECIPES
from fcn_core.training.batches import Batch
from fcn_core.training.objectives import losses
from fcn_core.training.teacher import Teacher
from tests.drawn.tiny_trainers import CALM, SPEC, TINY, drawn_batch, fresh, trained

pytestmark = pytest.mark.usefixtures("eager")


POLICIES = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
}


def assert_equal(
    one: dict[str, np.ndarray], other: dict[str, np.ndarray], *, atol: float
) -> None:
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], atol=atol, err_msg=name)


@pytest.mark.parametrize(
    "optimizer", [pytest.param("sgd", marks=pytest.mark.slow), "adam"]
)
def test_a_batch_in_parts_is_the_same_step(optimizer: Any) -> None:
    recipe = replace(
        TINY, optimizer=optimizer, model=replace(SPEC, l2=0.01), schedule="constant"
    )
    sizes = ((32, 32), (48, 32))
    batches = [drawn_batch(1, sizes)]
    whole = trained(recipe, batches)
    parts = trained(replace(recipe, accumulate=4), batches)
    assert_equal(whole, parts, atol=1e-5)
    start = tensors_of(fresh(recipe)[0])
    assert any(np.abs(whole[name] - start[name]).max() > 1e-3 for name in whole)


@pytest.mark.parametrize("jaccard", [0.0, 2.0])
def test_a_mixed_batch_costs_what_its_pixels_cost(jaccard: float) -> None:
    recipe = replace(TINY, learning_rate=1e-12, jaccard=jaccard)
    small, large = drawn_batch(1, ((32, 32),)), drawn_batch(2, ((48, 32),))
    _, trainer = fresh(recipe)
    step = trainer().step
    pixels = [int((batch[0][1] != 255).sum()) for batch in (small, large)]
    expected = np.average([step(small), step(large)], weights=pixels)
    assert step([*small, *large]) == pytest.approx(expected, rel=1e-5)


def test_a_batch_of_void_moves_nothing() -> None:
    (photos, labels), *_ = drawn_batch(1)
    void: list[Batch] = [[(photos, np.full_like(labels, 255))]]
    recipe = replace(TINY, optimizer="sgd")
    assert_equal(trained(recipe, void), tensors_of(fresh(recipe)[0]), atol=0)


def test_average_is_the_average_of_the_steps(tmp_path: Path) -> None:
    recipe = replace(TINY, average=0.9, schedule="constant")
    model, make = fresh(recipe)
    trainer = make()
    name = "skip_stride8/kernel"
    expected = tensors_of(model)[name]
    for number in range(3):
        trainer.step(drawn_batch(number))
        decay = min(0.9, (2 + number) / (11 + number))
        expected = decay * expected + (1 - decay) * tensors_of(model)[name]
    own = tensors_of(model)
    with trainer.result():
        np.testing.assert_allclose(tensors_of(model)[name], expected, atol=1e-6)
        assert np.abs(own[name] - expected).max() > 1e-4
        model.save_weights(tmp_path / "epoch.weights.h5")
    assert_equal(tensors_of(model), own, atol=0)


def test_average_and_optimizer_survive_a_restart_bit_for_bit(tmp_path: Path) -> None:
    recipe = replace(TINY, average=0.9, optimizer="adamw")
    model, make = fresh(recipe)
    trainer = make()
    trainer.run_epoch([drawn_batch(1)], epoch=1, seed=0, label="test")
    with trainer.result():
        model.save_weights(tmp_path / "epoch.weights.h5")
    trainer.save(tmp_path / "state.npz")
    other, make_other = fresh(recipe)
    other.load_weights(tmp_path / "epoch.weights.h5")
    resumed = make_other()
    resumed.restore(tmp_path / "state.npz")
    for one in (trainer, resumed):
        one.run_epoch([drawn_batch(2)], epoch=2, seed=0, label="test")
    assert_equal(tensors_of(model), tensors_of(other), atol=0)
    with trainer.result(), resumed.result():
        assert_equal(tensors_of(model), tensors_of(other), atol=0)


def test_biases_learn_twice_as_fast() -> None:
    batches = [drawn_batch(1)]
    start = tensors_of(fresh(TINY)[0])
    once = trained(replace(TINY, momentum=0.0), batches)
    twice = trained(replace(TINY, momentum=0.0, bias_rate=2.0), batches)
    for name in ("head_score/bias", "head_score/kernel"):
        factor = 2 if name.endswith("bias") else 1
        np.testing.assert_allclose(
            twice[name] - start[name],
            factor * (once[name] - start[name]),
            rtol=1e-3,
            atol=1e-7,
        )
    assert np.abs(once["head_score/bias"] - start["head_score/bias"]).max() > 1e-5


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_half_precision_makes_nearly_the_same_steps(precision: Any) -> None:
    recipe = replace(CALM, precision=precision)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        model, make = fresh(recipe)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.output.dtype == precision
    assert {str(v.dtype) for v in model.trainable_variables} == {"float32"}
    moved, exact = (
        tensors_of(one)["head_score/bias"] for one in (model, fresh(CALM)[0])
    )
    assert np.array_equal(moved, exact)
    make().step(drawn_batch(1))
    moved = tensors_of(model)["head_score/bias"]
    exact = trained(CALM, [drawn_batch(1)])["head_score/bias"]
    assert np.abs(exact).max() > 1e-5
    np.testing.assert_allclose(moved, exact, rtol=0.05, atol=1e-7)


def test_overflow_in_float16_skips_the_step_and_halves_the_scale() -> None:
    _, make = fresh(replace(TINY, precision="float16"))
    trainer = make()
    scale = trainer.scale
    assert scale is not None
    scale.factor.assign(1e38)  # times any loss above 3.4 it is infinite
    before = float(scale.factor)
    photos, labels = drawn_batch(1)[0]
    start = tensors_of(trainer._model)
    trainer._objective.weight = lambda piece: 1.0  # type: ignore[method-assign]
    assert np.isfinite(trainer.step([(photos, labels)]))
    assert float(scale.factor) == before / 2
    assert_equal(tensors_of(trainer._model), start, atol=0)


def test_frozen_groups_and_loaded_norms_do_not_move() -> None:
    spec = ModelSpec(backbone="mobilenet_v2", width=0.1, head_width=8, classes=3)
    recipe = replace(TINY, model=spec)
    start = tensors_of(fresh(recipe)[0])
    for frozen, moving in (("backbone head", "skip"), ("head skip", "block")):
        calm = recipe.with_frozen(frozen.split())
        end = trained(calm, [drawn_batch(1)])
        moved = {name for name in end if not np.array_equal(end[name], start[name])}
        assert moved
        assert all(moving in name for name in moved - {"Conv1/kernel"}), moved
        norms = {name for name in moved if "_BN/" in name or "bn_" in name}
        assert not norms


def test_a_slower_group_moves_less() -> None:
    rates = {"backbone": 0.01, "head": 1.0, "skip": 1.0}
    recipe = replace(CALM, optimizer="adam", learning_rate=1e-3, rates=rates)
    start = tensors_of(fresh(recipe)[0])
    end = trained(recipe, [drawn_batch(1), drawn_batch(2)])
    moved = {name: np.abs(end[name] - start[name]).max() for name in end}
    # Two Adam steps move a weight by at most about twice the rate.
    assert 0 < moved["block3_conv1/kernel"] < 2.5 * 1e-5
    assert moved["head_fc7/kernel"] > 5e-4


def test_half_precision_is_measured_in_full() -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model, _ = fresh(CALM)
    finally:
        keras.config.set_dtype_policy(before)
    logits = KerasEngine(model).logits(drawn_batch(1)[0][0])
    assert logits.dtype == np.float32


def test_soft_labels_pull_towards_the_teacher() -> None:
    batch = drawn_batch(1)
    teacher = fresh(TINY)[0]
    distances = []
    for share in (0.0, 0.9):
        recipe = replace(CALM, soft_labels=share)
        model, make = fresh(recipe)
        trainer = make(teacher=Teacher(teacher, SPEC) if share else None)
        for _ in range(2):
            trainer.step(batch)
        distances.append(float(np.abs(model(batch[0][0]) - teacher(batch[0][0])).max()))
    assert distances[1] < 0.3 * distances[0]


def test_the_soft_iou_is_added_by_its_weight() -> None:
    (photos, labels), *_ = batch = drawn_batch(1)
    model, make = fresh(CALM)
    plain = make().step(batch)
    model, make = fresh(replace(CALM, jaccard=2.0))
    upsampled = keras.ops.image.resize(model(photos), (32, 32), "bilinear")
    distance = float(losses.jaccard_distance(labels, upsampled))
    assert make().step(batch) == pytest.approx(plain + 2 * distance, rel=0.02)


def test_a_mean_s_steps_are_those_of_the_release_s_sum() -> None:
    """Caffe: v = 0.99 v + rate (sum of gradients + 5e-4 w), w = w - v."""
    part = next(RECIPES["fcn-original"].parts())
    pixels, gradients = 500 * 375, (0.3, -0.2)  # of the mean
    weight, speed = 0.5, 0.0
    for gradient in gradients:
        speed = 0.99 * speed + 1e-10 * (pixels * gradient + 5e-4 * weight)
        weight -= speed
    ours = keras.Variable(0.5, dtype="float64")
    sgd = keras.optimizers.SGD(part.learning_rate, momentum=part.momentum)
    for gradient in gradients:
        penalised = gradient + 2 * part.model.l2 * ours
        sgd.apply([keras.ops.cast(penalised, "float64")], [ours])
    assert float(ours) - 0.5 == pytest.approx(weight - 0.5, rel=1e-6)
    # Most of a step is the gradient: the decay alone is compared as well.
    assert part.learning_rate * 2 * part.model.l2 == pytest.approx(1e-10 * 5e-4)
