"""Every architecture against NumPy, other backends, and its own saved self."""

import functools
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
from numpy.typing import NDArray

from fcn_core.labels import Task
from fcn_core.models.build import build
from fcn_core.models.regularisation import every_layer
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import tensors_of
from tests.drawn import numpy_layers

ROOT = Path(__file__).resolve().parents[4]

NETWORKS: dict[str, tuple[Task, str, dict[str, Any]]] = {
    "fcn32s vgg16": ("segmentation", "fcn32s", {"backbone": "vgg16"}),
    "fcn16s vgg19": ("segmentation", "fcn16s", {"backbone": "vgg19"}),
    "fcn8s vgg16": ("segmentation", "fcn8s", {"backbone": "vgg16"}),
    "fcn8s vgg16 transposed": (
        "segmentation",
        "fcn8s",
        {"backbone": "vgg16", "upsampling": "transposed", "full_size": True},
    ),
    "fcn8s vgg16 scaled": (
        "segmentation",
        "fcn8s",
        {"backbone": "vgg16", "skip_scales": True, "full_size": True},
    ),
    "fcn32s vgg16 caffe": (
        "segmentation",
        "fcn32s",
        {"backbone": "vgg16", "geometry": "caffe"},
    ),
    "fcn16s vgg16 caffe": (
        "segmentation",
        "fcn16s",
        {"backbone": "vgg16", "geometry": "caffe", "upsampling": "learnable"},
    ),
    "fcn8s vgg16 caffe": (
        "segmentation",
        "fcn8s",
        {"backbone": "vgg16", "geometry": "caffe", "skip_scales": True},
    ),
    "fcn8s mobilenet_v2": ("segmentation", "fcn8s", {"backbone": "mobilenet_v2"}),
    "fcn32s mobilenet_v2": ("segmentation", "fcn32s", {"backbone": "mobilenet_v2"}),
    "fcn8s resnet50": (
        "segmentation",
        "fcn8s",
        {"backbone": "resnet50", "upsampling": "learnable", "full_size": True},
    ),
    "dilated resnet50 8": (
        "segmentation",
        "dilated",
        {"backbone": "resnet50", "output_stride": 8},
    ),
    "dilated resnet101 16": ("segmentation", "dilated", {"backbone": "resnet101"}),
    "dilated vgg16 8": (
        "segmentation",
        "dilated",
        {"backbone": "vgg16", "output_stride": 8, "full_size": True},
    ),
    "dilated vgg19 16": ("segmentation", "dilated", {"backbone": "vgg19"}),
    "deconvnet vgg16": ("segmentation", "deconvnet", {"backbone": "vgg16"}),
    "deconvnet repeat": ("segmentation", "deconvnet_repeat", {"backbone": "vgg16"}),
    "two tasks mobilenet_v2": (
        "segmentation",
        "fcn8s",
        {"backbone": "mobilenet_v2", "rating_classes": 10},
    ),
    "two tasks resnet50": (
        "segmentation",
        "fcn16s",
        {"backbone": "resnet50", "rating_classes": 1},
    ),
    "rating mobilenet_v2": ("aesthetics", "rating", {"backbone": "mobilenet_v2"}),
    "classifier vgg16": ("aesthetics", "classifier", {"backbone": "vgg16"}),
    "classifier vgg16 valid low": (
        "aesthetics",
        "classifier",
        {"backbone": "vgg16", "geometry": "valid", "low_level": True},
    ),
    "classifier vgg19 low": (
        "aesthetics",
        "classifier",
        {"backbone": "vgg19", "low_level": True},
    ),
    "classifier mobilenet_v2 low": (
        "aesthetics",
        "classifier",
        {"backbone": "mobilenet_v2", "low_level": True},
    ),
    "classifier resnet50 mark": (
        "aesthetics",
        "classifier",
        {"backbone": "resnet50", "classes": 1},
    ),
    "classifier mobilenet": (
        "aesthetics",
        "classifier",
        {"backbone": "mobilenet", "width": 0.25},
    ),
    "baseline vgg16": ("aesthetics", "baseline", {"backbone": "vgg16"}),
    "baseline mobilenet": (
        "aesthetics",
        "baseline",
        {"backbone": "mobilenet", "width": 0.25},
    ),
}


def tiny(name: str) -> ModelSpec:
    task, network, options = NETWORKS[name]
    numbers: dict[str, Any] = {"width": 0.05, "head_width": 6, "classes": 3}
    return ModelSpec(task=task, name=network, **(numbers | options))


def disturb(model: keras.Model) -> keras.Model:
    """Random weights that keep signals of one size through any depth."""
    rng = np.random.default_rng(0)
    for layer in every_layer(model):
        for variable in layer.weights:
            if "kernel" in variable.name:
                inputs = np.prod(variable.shape[:-1])
                if "depthwise" in variable.name or "Depthwise" in type(layer).__name__:
                    inputs = np.prod(variable.shape[:2])
                values = rng.normal(size=variable.shape) * np.sqrt(1.5 / inputs)
                variable.assign(values)
            elif "variance" in variable.name or variable.name == "gamma":
                variable.assign(rng.uniform(0.7, 1.3, variable.shape))
            elif variable.dtype == "float32":
                variable.assign(rng.uniform(-0.2, 0.2, variable.shape))
    return model


def photo_for(spec: ModelSpec) -> NDArray[np.float32]:
    height, width = (37, 70) if spec.minimum_side == 1 else (spec.minimum_side,) * 2
    if spec.name.startswith("deconvnet") or spec.geometry == "valid":
        width += 17
    return np.random.default_rng(1).uniform(0, 255, (1, height, width, 3)).astype("f4")


def flat(output: Any) -> list[NDArray[Any]]:
    return [np.asarray(value) for value in keras.tree.flatten(output)]


@functools.cache
def drawn(name: str) -> keras.Model:
    return disturb(build(tiny(name)))


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
    "two tasks resnet50",
    "classifier vgg16 valid low",
    "classifier mobilenet",
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
    """An interpreter that has jax: this one, or the one that FCN_JAX_PYTHON names."""
    if importlib.util.find_spec("jax") is not None:
        return sys.executable
    if not os.environ.get("FCN_JAX_PYTHON"):
        pytest.skip("jax is not installed and FCN_JAX_PYTHON names no other Python")
    return os.environ["FCN_JAX_PYTHON"]


def test_the_jax_backend_builds_the_same_networks(tmp_path: Path) -> None:
    python = jax_python()
    specs = [tiny(name) for name in JAX_NETWORKS]
    (tmp_path / "specs.json").write_text(json.dumps([one.to_json() for one in specs]))
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
