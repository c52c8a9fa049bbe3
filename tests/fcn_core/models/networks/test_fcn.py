"""Every architecture against NumPy, other backends, and its own saved self."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fcn_core.models.build import build
from fcn_core.models.regularisation import every_layer
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import tensors_of
from tests.drawn import numpy_layers
from tests.drawn.tiny_networks import NETWORKS, drawn, flat, photo_for, tiny

ROOT = Path(__file__).resolve().parents[4]


LONG = (
    "fcn8s resnet50",
    "dilated resnet101 16",
    "two tasks mobilenet_v2",
    "classifier mobilenet_v2 low",
    "classifier resnet50 mark",
)
"""Networks that take long to build, of parts that others have too."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in LONG else ())
        for name in NETWORKS
    ],
)
def test_equals_numpy(name: str) -> None:
    model, photo = drawn(name), photo_for(tiny(name))
    for ours, theirs in zip(
        flat(model(photo)), flat(numpy_layers.run(model, photo)), strict=True
    ):
        assert ours.shape == theirs.shape
        assert np.ptp(theirs) > 1e-3
        assert np.abs(ours - theirs).max() <= 1e-4 * max(1.0, np.abs(theirs).max())


QUICK = (
    "fcn8s vgg16 transposed",
    "fcn16s vgg16 caffe",
    "fcn8s vgg16 scaled",
    "deconvnet vgg16",
    "deconvnet repeat",
    "fcn32s mobilenet_v2",
    "fcn8s mobilenet_v2 affinity",
    "rating_sampled mobilenet_v2",
    "two tasks resnet50",
    "classifier vgg16 valid low",
    "baseline mobilenet",
    "baseline vgg16",
)
"""Networks that have every type of layer; building the others again takes a minute."""


@pytest.mark.slow
def test_the_quick_networks_have_every_type_of_layer() -> None:
    types = {
        name: {type(layer).__name__ for layer in every_layer(drawn(name))}
        for name in NETWORKS
    }
    assert set().union(*types.values()) == set().union(*(types[n] for n in QUICK))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in NETWORKS
    ],
)
def test_saved_and_loaded_is_identical(name: str, tmp_path: Path) -> None:
    spec, model = tiny(name), drawn(name)
    photo = photo_for(spec)
    expected = flat(model(photo))
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    rebuilt = build(ModelSpec.from_json(spec.to_json()))
    rebuilt.load_weights(tmp_path / "model.weights.h5")
    for other in (loaded, rebuilt):
        for ours, theirs in zip(flat(other(photo)), expected, strict=True):
            assert np.array_equal(ours, theirs)


JAX_NETWORKS = (
    "fcn8s vgg16 caffe",
    "dilated vgg16 8",
    "two tasks mobilenet_v2",
    "fcn8s mobilenet_v2 affinity",
    "deconvnet vgg16",
    "classifier mobilenet",
)


_UNDER_JAX = """
import json
import sys
import keras
import numpy as np
from fcn_core.models.spec import ModelSpec
from fcn_core.models.build import build
from fcn_core.models.weights.assign import assign_all
assert keras.backend.backend() == "jax"
folder = sys.argv[1]
for number, spec in enumerate(json.load(open(f"{folder}/specs.json"))):
    spec = ModelSpec.from_json(spec)
    model = build(spec)
    with np.load(f"{folder}/{number}.npz") as file:
        photo = file["photo"]
        tensors = {name: file[name] for name in file.files if name != "photo"}
    assign_all(model, tensors, source="test")
    outputs = keras.tree.flatten(model.predict_on_batch(photo))
    np.savez(f"{folder}/out{number}.npz", *[np.asarray(value) for value in outputs])
"""


def jax_python() -> str:
    """Returns an interpreter that has jax: ours, or that of FCN_JAX_PYTHON."""
    if importlib.util.find_spec("jax") is not None:
        return sys.executable
    if not os.environ.get("FCN_JAX_PYTHON"):
        pytest.skip("jax is not installed and FCN_JAX_PYTHON names no other Python")
    return os.environ["FCN_JAX_PYTHON"]


def test_the_jax_backend_builds_the_same_networks(tmp_path: Path) -> None:
    python = jax_python()
    specs = [tiny(name) for name in JAX_NETWORKS]
    (tmp_path / "specs.json").write_text(json.dumps([spec.to_json() for spec in specs]))
    for number, (name, spec) in enumerate(zip(JAX_NETWORKS, specs, strict=True)):
        arrays: dict[str, Any] = {"photo": photo_for(spec), **tensors_of(drawn(name))}
        np.savez(tmp_path / f"{number}.npz", **arrays)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [python, "-c", _UNDER_JAX, str(tmp_path)],
        env=environment,
        check=True,
        cwd=tmp_path,
    )
    for number, (name, spec) in enumerate(zip(JAX_NETWORKS, specs, strict=True)):
        expected = flat(drawn(name)(photo_for(spec)))
        with np.load(tmp_path / f"out{number}.npz") as file:
            for key, theirs in zip(file.files, expected, strict=True):
                difference = np.abs(file[key] - theirs).max()
                assert difference <= 1e-4 * max(1.0, np.abs(theirs).max()), name
