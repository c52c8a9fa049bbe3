"""What takes minutes: kills, two devices, every recipe learns what it is shown."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fcn_core import recipes, training
from fcn_core.models import ModelSpec
from fcn_core.models.weights import tensors_of
from fcn_core.recipes import RANDOM
from fcn_core.run_folder import RUN_NAME, load_run
from tests import tiny_recipes, tiny_shards
from tests.tiny_recipes import config

ROOT = Path(__file__).resolve().parents[2]

TRAIN = """
import sys
from dataclasses import replace
from pathlib import Path
from fcn_core import recipes, training
from fcn_core.models import ModelSpec
from tests.tiny_recipes import SEGMENTATION, config
recipes.RECIPES["tiny"] = replace(SEGMENTATION, average=0.9)
data, output = map(Path, sys.argv[1:])
training.train(config(data, output, epochs=4, resume=True))
"""


def spawn(code: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_killed_runs_end_with_the_same_numbers(tmp_path: Path) -> None:
    data = tiny_shards.drawn_data(tmp_path, train=4, val=1)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    process = spawn(TRAIN, data, parts)
    while not _epochs_done(parts):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert 1 <= _epochs_done(parts) < 4
    for output in (parts, whole):
        ended = spawn(TRAIN, data, output)
        assert ended.communicate()[1] is not None
        assert ended.returncode == 0
    one, other = (tensors_of(load_run(folder)[0]) for folder in (whole, parts))
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], atol=1e-6, err_msg=name)


def _epochs_done(run: Path) -> int:
    path = run / RUN_NAME
    return json.loads(path.read_text())["epochs_done"] if path.exists() else 0


TWO_DEVICES = """
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
from dataclasses import replace
from fcn_core import devices
from fcn_core.models.weights import tensors_of
from tests.fcn_core import test_trainer as t

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
one_photo = [(photos[:1], labels[:1])]  # fewer photos than devices
_, alone = t.fresh(recipe)
with strategy.scope():
    _, shared = t.fresh(recipe)
np.testing.assert_allclose(
    alone().step(one_photo), shared(strategy=strategy).step(one_photo), rtol=1e-5
)

import tempfile
from pathlib import Path
from fcn_core import recipes, training
from tests import tiny_shards
from tests.tiny_recipes import SEGMENTATION, config
calm = replace(SEGMENTATION.model, dropout=0.0)
recipes.RECIPES["tiny"] = replace(
    SEGMENTATION, optimizer="sgd", average=0.9, model=calm
)
with tempfile.TemporaryDirectory() as folder:
    data = tiny_shards.drawn_data(Path(folder), train=4, val=2)
    asked = {"epochs": 2, "validation_split": "val"}
    runs = [
        training.train(config(data, Path(folder) / str(n), devices=n, **asked))
        for n in (1, 2)
    ]
    one, other = (tensors_of(training.load_run(run.folder)[0]) for run in runs)
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
    said = ended.communicate()[1]
    assert ended.returncode == 0, said.decode()[-3000:]


SEGMENTATIONS = sorted(
    name for name, recipe in recipes.RECIPES.items() if recipe.task == "segmentation"
)


@pytest.mark.slow
@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_every_segmentation_recipe_learns_four_pairs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = tiny_shards.drawn_records(tmp_path / "tree", train=4, val=1)["train"]
    data = tiny_shards.write_finished(
        tmp_path / "data", {"train": drawn * 10, "val": drawn}
    )
    recipe = recipes.find_recipe(name)
    small: dict[str, Any] = {"init": RANDOM, "crop": (64, 64), "max_side": 64}
    if recipe.soft_labels or recipe.blend != 1:  # of weights that know something
        small |= {"soft_labels": 0.0, "blend": 1.0}
    tiny_recipes.use(monkeypatch, recipe, **small, model=tiny_network(recipe.model))
    result = training.train(
        config(
            data,
            tmp_path / "run",
            evaluation_split="val",
            epochs=6 if recipe.stages else 12,
            batch_size=4,
            learning_rate=RAISED.get(recipe.optimizer, 3e-3),
            allow_leak=True,
        )
    )
    assert result.metrics["pixel_accuracy"] > 0.95


RAISED = {"sgd": 1e-3}


def tiny_network(spec: ModelSpec) -> ModelSpec:
    """The recipe's network, narrow and without dropout."""
    width = 0.35 if spec.backbone == "mobilenet_v2" else 0.15
    return replace(spec, width=width, head_width=24, dropout=0.0)


@pytest.mark.slow
def test_the_votes_of_four_photos_are_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    four = tiny_shards.rated_records(5)[:4]
    data = tiny_shards.write_finished(
        tmp_path / "data", {"train": four * 16, "test": four}
    )
    head_alone = next(recipes.find_recipe("nima-adam").parts())
    # No norms: the statistics of random weights would lag behind what is learned.
    network = replace(
        head_alone.model, backbone="vgg16", width=0.2, head_width=24, dropout=0.0
    )
    small: dict[str, Any] = {"init": RANDOM, "crop": (80, 80), "max_side": 80}
    tiny_recipes.use(monkeypatch, head_alone, **small, model=network)
    result = training.train(
        config(
            data,
            tmp_path / "run",
            task="aesthetics",
            evaluation_split="test",
            epochs=14,
            batch_size=4,
            learning_rate=0.03,
            allow_leak=True,
        )
    )
    assert result.metrics["emd_r1"] < 0.02 < result.metrics["constant_emd_r1"]
