"""Two devices make the step that one makes of the whole batch."""

import pytest

from tests.runs.processes import spawn

TWO_DEVICES = """
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
from dataclasses import replace
from fcn_core.training import devices
from fcn_core.models.weights.assign import tensors_of
from tests.drawn import tiny_trainers as t

recipe = replace(
    t.TINY, optimizer="adam", average=0.9, accumulate=2, schedule="constant",
    model=replace(t.SPEC, l2=0.01), learning_rate=1e-3,
)
batches = [t.drawn_batch(seed, ((32, 32), (48, 32))) for seed in (1, 2)]
ends = []
for strategy in (None, devices.strategy(2)):
    scope = (strategy or tf.distribute.get_strategy()).scope()
    with scope:
        model, make = t.fresh(recipe)
    trainer = make(strategy=strategy)
    losses = [trainer.step(batch) for batch in batches]
    with trainer.result():
        ends.append((losses, tensors_of(model)))
assert strategy.num_replicas_in_sync == 2
(losses, one), (same, other) = ends
np.testing.assert_allclose(losses, same, rtol=1e-5)
for name, values in one.items():
    np.testing.assert_allclose(values, other[name], atol=1e-5, err_msg=name)
(photos, labels), *_ = t.drawn_batch(5)
# Fewer photos than devices. TensorFlow's oneDNN kernels, which only processors with
# AVX512_VNNI use by themselves, return a wrong shape for an empty batch.
one_photo = [(photos[:1], labels[:1])]
_, alone = t.fresh(recipe)
with strategy.scope():
    _, shared = t.fresh(recipe)
np.testing.assert_allclose(
    alone().step(one_photo), shared(strategy=strategy).step(one_photo), rtol=1e-5
)
# Batch norms that learn take no statistics of nothing.
learning = replace(
    t.CALM, freeze_batch_norm=False, model=replace(t.SPEC, backbone="mobilenet_v2")
)
with strategy.scope():
    model, make = t.fresh(learning)
assert np.isfinite(make(strategy=strategy).step(one_photo))
assert all(np.isfinite(values).all() for values in tensors_of(model).values())

from fcn_core.training.stages import place
half = replace(t.CALM, precision="float16")
ends = []
for where in (None, strategy):
    with place(where, half):
        model, make = t.fresh(half)
    trainer = make(strategy=where)
    losses = [trainer.step(t.drawn_batch(1)) for _ in range(2)]
    ends.append((losses, tensors_of(model)))
(losses, one), (same, other) = ends
np.testing.assert_allclose(losses, same, rtol=1e-4)
for name, values in one.items():
    np.testing.assert_allclose(values, other[name], atol=1e-5, err_msg=name)
trainer.scale.factor.assign(1e38)  # on both devices the step overflows
trainer.step(t.drawn_batch(2))
assert np.asarray(trainer.scale.factor) == np.float32(1e38) / 2
for name, values in tensors_of(model).items():
    np.testing.assert_array_equal(values, other[name], err_msg=name)

import tempfile
from pathlib import Path
from fcn_core import recipes
from fcn_core.training import run_folder, train
from tests.drawn import tiny_shards
from tests.drawn.tiny_recipes import SEGMENTATION, config
calm = replace(SEGMENTATION.model, dropout=0.0)
recipes.RECIPES["tiny"] = replace(
    SEGMENTATION, optimizer="sgd", average=0.9, model=calm
)
with tempfile.TemporaryDirectory() as folder:
    data = tiny_shards.drawn_data(Path(folder), train=4, val=2)
    asked = {"epochs": 2, "validation_split": "val"}
    runs = [
        train.train(config(data, Path(folder) / str(n), devices=n, **asked))
        for n in (1, 2)
    ]
    one, other = (tensors_of(run_folder.load_run(run.folder)[0]) for run in runs)
for name, values in one.items():
    np.testing.assert_allclose(values, other[name], atol=1e-4, err_msg=name)

try:
    devices.strategy(3)
except ValueError as error:
    assert "at most the 2" in str(error)
else:
    raise AssertionError("three devices were given")
"""


@pytest.mark.slow
def test_two_devices_make_the_step_of_one() -> None:
    ended = spawn(TWO_DEVICES)
    errors = ended.communicate()[1]
    assert ended.returncode == 0, errors.decode()[-3000:]
