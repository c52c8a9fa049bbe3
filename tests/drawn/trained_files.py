"""Networks that other programs trained, written as their files."""

import functools
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import tensors_of
from fcn_core.models.weights.hdf5 import Layers
from tests.drawn.tiny_networks import disturb

CLASSES = 5


MEAN = (122.5, 116.25, 104.0)


_MATCONVNET = {
    "head_fc6": "fc6",
    "head_fc7": "fc7",
    "head_score": "score_fr",
    "upsample_stride16": "score2",
    "skip_stride16": "score_pool4",
    "upsample_stride8": "score4",
    "skip_stride8": "score_pool3",
}


_DEEPLAB = {
    "head_local": "aspp0",
    "head_context": "image_pooling",
    "head_project_local": "proj_aspp",
    "head_project_context": "proj_pool",
    "head_score": "semantic",
}


def draw_fcn(name: str, **options: Any) -> keras.Model:
    """Returns an FCN on VGG16 that upsamples by itself, random everywhere."""
    numbers: dict[str, Any] = {
        "name": name,
        "classes": CLASSES,
        "width": 4 / 64,
        "head_width": 6,
        "full_size": True,
        "upsampling": "learnable",
    }
    return disturb(build(ModelSpec(**(numbers | options))))


def write_mat(path: Path, model: keras.Model, stage: str, style: str) -> None:
    """Writes a network as MatConvNet's DagNN does, in one of its two naming styles."""
    endings = {"kernel": "_filter", "bias": "_bias"}
    if style == "short":
        endings = {"kernel": "f", "bias": "b"}
    params = []
    for name, values in tensors_of(model).items():
        layer, _, weight = name.partition("/")
        without = style == "short" and layer in ("upsample_stride8", "upsample_final")
        if without and weight == "bias":
            continue  # crf-rnn's file has none there
        ours = values.reshape(-1, 1) if weight == "bias" else values
        params.append(
            {
                "name": f"{_matconvnet_name(layer, stage)}{endings[weight]}",
                "value": ours,
            }
        )
    layers = [
        {"name": "conv1_1", "block": {"pad": np.full(4, 100.0)}},
        {"name": "conv1_2", "block": {"pad": np.ones(4)}},
    ]
    names = np.array([f"thing {number}" for number in range(CLASSES)], object)
    meta = {
        "classes": {"description": names},
        "normalization": {"averageImage": np.array(MEAN).reshape(1, 1, 3)},
    }
    from scipy import io

    io.savemat(path, {"params": params, "layers": layers, "meta": meta})


def _matconvnet_name(layer: str, stage: str) -> str:
    if layer == "upsample_final":
        return "upsample_new" if stage == "fcn16s" else "upsample"
    number = layer.removeprefix("block").replace("_conv", "_")
    return _MATCONVNET.get(layer, f"conv{number}")


def write_keras2_file(path: Path, layers: Layers) -> None:
    """Writes weights as `save_weights` of Keras 2 does."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for name, weights in layers.items():
            group = file.create_group(name)
            names = [f"{name}/{weight}:0" for weight in weights]
            group.attrs["weight_names"] = [text.encode() for text in names]
            for text, values in zip(names, weights.values(), strict=True):
                group[text] = values


@functools.cache
def nima_network() -> keras.Model:
    """MobileNet with average pooling and ten ratings, as its authors build it."""
    base = keras.applications.MobileNet(
        weights=None,
        include_top=False,
        input_shape=(224, 224, 3),
        pooling="avg",
        alpha=0.25,
    )
    x = keras.layers.Dropout(0.75)(base.output)
    ratings = keras.layers.Dense(10, activation="softmax", name="dense_1")(x)
    return disturb(keras.Model(base.input, ratings))


def write_nima(path: Path, network: keras.Model) -> None:
    def named(layer: keras.layers.Layer) -> dict[str, NDArray[np.float32]]:
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        return {
            "depthwise_kernel" if depthwise else variable.name: np.asarray(variable)
            for variable in layer.weights
        }

    layers = {layer.name: named(layer) for layer in network.layers if layer.weights}
    write_keras2_file(path, layers)


@functools.cache
def deeplab_network() -> keras.Model:
    """The published backbone with a narrow head, random everywhere."""
    spec = ModelSpec(
        name="fcn16s", backbone="mobilenet_v2", classes=CLASSES, head_width=6
    )
    return disturb(build(spec))


def save_deeplab(path: Path, *, without: str = "") -> keras.Model:
    arrays: dict[str, Any] = {}
    for name, values in tensors_of(deeplab_network()).items():
        layer, _, weight = name.partition("/")
        arrays[f"{_DEEPLAB.get(layer, layer)}/{weight}"] = values
    arrays.pop(without, None)
    arrays = {n: v for n, v in arrays.items() if not n.startswith("skip_")}
    np.savez(path, **arrays)
    return deeplab_network()
