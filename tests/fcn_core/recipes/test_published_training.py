"""What other projects promise of inputs and training: preprocessing, penalties."""

import json
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from fcn_core import recipes
from fcn_core.models.build import build
from fcn_core.models.layers import Preprocess
from fcn_core.models.spec import ModelSpec
from fcn_core.training.trainer import Trainer
from tests.drawn.published import tiny
from tests.drawn.tiny_networks import draw_floats
from tests.drawn.tiny_trainers import eagerly


def test_preprocessing_of_each_project_has_its_own_golden_vector() -> None:
    image = np.array([[[[10.0, 120.0, 250.0]]]], np.float32)
    golden = {
        "caffe": [250 - 103.939, 120 - 116.779, 10 - 123.68],
        "rgb": [10 - 123.68, 120 - 116.779, 250 - 103.939],
        "tf": [10 / 127.5 - 1, 120 / 127.5 - 1, 250 / 127.5 - 1],
        "torch": [
            (10 / 255 - 0.485) / 0.229,
            (120 / 255 - 0.456) / 0.224,
            (250 / 255 - 0.406) / 0.225,
        ],
        "unit": [10 / 255, 120 / 255, 250 / 255],
        "raw": [10, 120, 250],
    }
    for mode, expected in golden.items():
        for other in golden:
            found = np.asarray(Preprocess(other)(image)).ravel()
            fits = bool(np.abs(found - expected).max() < 1e-4)
            assert fits is (mode == other), (mode, other)
    mean = (100.0, 110.0, 120.0)
    spec = tiny(preprocessing="rgb", rgb_mean=mean)
    layer = build(spec).get_layer("preprocess")
    assert np.asarray(layer(image)).ravel().tolist() == [-90, 10, 130]
    assert ModelSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_preprocessing_equals_that_of_keras_applications() -> None:
    image = draw_floats(5, 7)
    for mode, module in (
        ("caffe", keras.applications.vgg16),
        ("caffe", keras.applications.resnet),
        ("tf", keras.applications.mobilenet_v2),
        ("tf", keras.applications.xception),
        ("torch", keras.applications.densenet),
    ):
        expected = module.preprocess_input(image.copy())
        found = np.asarray(Preprocess(mode)(image))
        assert np.abs(found - expected).max() < 1e-4


def test_keras_fcn_each_stage_says_what_it_trains() -> None:
    model = build(tiny("fcn8s", upsampling="transposed", full_size=True))
    for layer in model.layers:
        if layer.name.startswith("block"):
            layer.trainable = False
    trained = {variable.path.split("/")[0] for variable in model.trainable_variables}
    assert trained == {
        "head_fc6",
        "head_fc7",
        "head_score",
        "skip_stride16",
        "skip_stride8",
    }


def test_keras_fcn_training_adds_penalties_and_leaves_bilinear_kernels_alone() -> None:
    class Squares:
        def weight(self, piece: Any) -> float:
            return 1.0

        def loss(self, logits: Any, piece: Any, *, total: Any, soft: Any) -> Any:
            return ops.mean(logits**2) / total

    strengths = (0.0, 0.1)
    losses = []
    for strength in strengths:
        model = build(tiny(upsampling="transposed", l2=strength))
        for layer in model.layers:  # one start for both, and no luck of the draw
            for variable in layer.trainable_weights:
                variable.assign(np.full(variable.shape, 1e-3))
        before = np.asarray(model.get_layer("upsample_stride16").kernel).copy()
        recipe = recipes.find_recipe("drawn")
        trainer = Trainer(model, recipe, Squares(), steps=1)  # type: ignore[arg-type]
        batch: Any = [(draw_floats(32, 32),)]
        with eagerly():
            losses.append(trainer.run_epoch([batch], epoch=1, seed=0, label="test"))
        after = np.asarray(model.get_layer("upsample_stride16").kernel)
        assert np.array_equal(before, after)
    kernels = sum(
        np.prod(variable.shape)
        for variable in model.trainable_variables
        if variable.name == "kernel"
    )
    assert losses[1] - losses[0] == pytest.approx(0.1 * kernels * 1e-6, rel=1e-3)


def test_keras_fcn_l2_and_dropout() -> None:
    model = build(tiny("fcn8s", "resnet50", l2=1e-3, upsampling="transposed"))
    kernels = [
        np.asarray(variable)
        for variable in model.trainable_variables
        if "kernel" in variable.name
    ]
    expected = 1e-3 * sum((kernel.astype("f8") ** 2).sum() for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
    assert not build(tiny()).losses
    rates = {
        layer.rate
        for layer in build(tiny(dropout=0.3)).layers
        if isinstance(layer, keras.layers.Dropout)
    }
    assert rates == {0.3}
    assert build(tiny()).get_layer("head_dropout6").rate == 0.5
