"""Networks of others from their files: every tensor in its place, and no other."""

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from fcn_core.mat_files import read_mat
from fcn_core.models import ModelSpec, WeightsError, build
from fcn_core.models.layouts import TrainedNetwork, read_trained
from fcn_core.models.matconvnet import from_parameters
from fcn_core.models.weights import tensors_of
from tests import numpy_layers
from tests.fcn_core.test_architectures import disturb
from tests.fcn_core.test_seed_rows import write_keras2_file

io = pytest.importorskip("scipy.io", reason="scipy is not installed")

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


def draw(height: int, width: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (1, height, width, 3)).astype(np.float32)


def fcn(name: str, **options: Any) -> keras.Model:
    """What a file below was written from, random everywhere."""
    numbers: dict[str, Any] = {
        "name": name,
        "classes": CLASSES,
        "width": 4 / 64,
        "head_width": 6,
        "full_size": True,
        "upsampling": "learnable",
    }
    return disturb(build(ModelSpec(**(numbers | options))))


def matconvnet_name(layer: str, stage: str) -> str:
    if layer == "upsample_final":
        return "upsample_new" if stage == "fcn16s" else "upsample"
    number = layer.removeprefix("block").replace("_conv", "_")
    return _MATCONVNET.get(layer, f"conv{number}")


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
            {"name": f"{matconvnet_name(layer, stage)}{endings[weight]}", "value": ours}
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
    io.savemat(path, {"params": params, "layers": layers, "meta": meta})


@pytest.mark.parametrize(("name", "style"), [("fcn16s", "long"), ("fcn8s", "short")])
def test_row10_matconvnet_files_of_both_styles_become_their_network(
    name: str, style: str, tmp_path: Path
) -> None:
    source = fcn(name, geometry="caffe", preprocessing="rgb", rgb_mean=MEAN)
    if style == "short":
        for layer in ("upsample_stride8", "upsample_final"):
            source.get_layer(layer).bias.assign(np.zeros(CLASSES))
    write_mat(tmp_path / "net.mat", source, name, style)
    parameters, about = read_mat(tmp_path / "net.mat")
    assert len(parameters) == (38 if name == "fcn16s" else 40)
    trained = from_parameters(parameters, about)
    assert trained.spec.name == name
    assert trained.spec.geometry == "caffe"
    assert trained.classes == tuple(f"thing {number}" for number in range(CLASSES))
    model = trained.build("net.mat")
    assert set(trained.tensors) == set(tensors_of(model))
    photo = draw(33, 47)
    logits = np.asarray(model(photo))
    assert np.array_equal(logits, np.asarray(source(photo)))
    # Against arithmetic by hand: nothing is flipped, the mean is the file's.
    expected = numpy_layers.run(source, photo)
    assert np.abs(logits - expected).max() <= 1e-4 * np.abs(expected).max()


def test_row10_kernels_are_not_flipped(tmp_path: Path) -> None:
    source = fcn("fcn32s")
    layer = source.get_layer("block1_conv1")
    kernel = np.zeros(layer.kernel.shape, np.float32)
    kernel[0, 2] = 1  # looks up and right
    layer.kernel.assign(kernel)
    write_mat(tmp_path / "net.mat", source, "fcn32s", "long")
    model = from_parameters(*read_mat(tmp_path / "net.mat")).build("net.mat")
    assert np.array_equal(model.get_layer("block1_conv1").kernel, kernel)
    corner = np.asarray(model.get_layer("head_fc6").kernel)
    assert np.array_equal(corner, np.asarray(source.get_layer("head_fc6").kernel))


def test_row10_what_a_file_lacks_or_has_too_much_is_named(tmp_path: Path) -> None:
    write_mat(tmp_path / "net.mat", fcn("fcn16s"), "fcn16s", "long")
    parameters, about = read_mat(tmp_path / "net.mat")
    some = {name: v for name, v in parameters.items() if name != "conv3_2_filter"}
    with pytest.raises(WeightsError, match=r"1 are missing \(block3_conv2/kernel"):
        from_parameters(some, about).build("net.mat")
    with pytest.raises(WeightsError, match="got a tensor 'crf_weight'"):
        from_parameters(parameters | {"crf_weight": np.zeros(2, "f4")}, about)
    wrong = parameters | {"conv3_2_filter": np.zeros((3, 3, 2, 2), np.float32)}
    with pytest.raises(WeightsError, match=r"block3_conv2/kernel has shape \(3, 3, 2"):
        from_parameters(wrong, about).build("net.mat")
    with pytest.raises(WeightsError, match="head_fc6/bias, head_score/bias missing"):
        from_parameters({"conv1_1_bias": np.zeros(4, np.float32)}, about)
    io.savemat(tmp_path / "other.mat", {"GTcls": np.zeros(3)})
    with pytest.raises(ValueError, match=r"holds \['GTcls'\], expected a DagNN"):
        read_mat(tmp_path / "other.mat")


@pytest.mark.parametrize("name", ["fcn32s", "fcn16s", "fcn8s"])
def test_a_keras_fcn_file_becomes_its_network(name: str, tmp_path: Path) -> None:
    source = fcn(name, upsampling="transposed")
    names = {
        "head_fc6": "conv6",
        "head_fc7": "conv7",
        "head_score": "score7",
        "upsample_stride16": "score7_upsample",
        "skip_stride16": "score4",
        "upsample_stride8": "skip4_upsample",
        "skip_stride8": "score3",
        "upsample_final": name.removesuffix("s"),
    }
    write_keras2_file(
        tmp_path / "weights.h5",
        {
            names.get(layer.name, layer.name): {
                variable.name: np.asarray(variable) for variable in layer.weights
            }
            for layer in source.layers
            if layer.weights
        },
    )
    trained = read_trained(tmp_path / "weights.h5")
    assert (trained.layout, trained.spec.name) == ("keras-fcn", name)
    photo = draw(64, 96)
    model = trained.build("weights.h5")
    assert np.array_equal(np.asarray(model(photo)), np.asarray(source(photo)))


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


def test_a_nima_file_becomes_a_map_of_ratings(tmp_path: Path) -> None:
    source = nima_network()
    write_nima(tmp_path / "nima.hdf5", source)
    trained = read_trained(tmp_path / "nima.hdf5")
    assert trained.layout == "nima"
    assert trained.spec.rating_bins == tuple(range(1, 11))
    model = trained.build("nima.hdf5")
    photo = draw(224, 224)
    logits = np.asarray(model(photo))
    assert logits.shape == (1, 7, 7, 10)
    pooled = logits.mean((1, 2))
    shares = np.exp(pooled - pooled.max())
    expected = np.asarray(source(photo / 127.5 - 1))
    assert shares / shares.sum() == pytest.approx(expected, abs=1e-5)
    assert np.ptp(expected) > 1e-2
    assert model(draw(333, 500)).shape == (1, 11, 16, 10)


def test_a_nima_file_with_a_stranger_in_it_is_refused(tmp_path: Path) -> None:
    network = nima_network()
    write_nima(tmp_path / "nima.hdf5", network)
    trained = read_trained(tmp_path / "nima.hdf5")
    more = {**trained.tensors, "conv_extra/kernel": np.zeros(3, np.float32)}
    with pytest.raises(WeightsError, match=r"1 tensors have no place \(conv_extra"):
        TrainedNetwork(**(vars(trained) | {"tensors": more})).build("nima.hdf5")


def test_files_of_no_known_layout_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(WeightsError, match="not readable as HDF5"):
        read_trained(tmp_path / "text.h5")
    write_keras2_file(tmp_path / "w.h5", {"conv": {"kernel": np.zeros(3, np.float32)}})
    with pytest.raises(WeightsError, match="no trained network is known"):
        read_trained(tmp_path / "w.h5")
    arrays: dict[str, Any] = {"conv/kernel": np.zeros(3)}
    np.savez(tmp_path / "w.npz", **arrays)
    with pytest.raises(WeightsError, match="no trained network is known"):
        read_trained(tmp_path / "w.npz")


def test_deeplabs_archive_is_a_whole_network() -> None:
    folder = os.environ.get("FCN_WEIGHTS")
    path = Path(folder or "") / "deeplab_mnv2_voc.npz"
    if not folder or not path.is_file():
        pytest.skip("FCN_WEIGHTS is not a folder with deeplab_mnv2_voc.npz")
    trained = read_trained(path)
    model = trained.build(path.name)
    assert set(tensors_of(model)) == set(trained.tensors)
    assert model(draw(65, 97)).shape == (1, 5, 7, 21)
