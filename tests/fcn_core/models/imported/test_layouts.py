"""Networks of others from their files: every tensor in its place, and no other."""

import functools
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from fcn_core import images, scoring
from fcn_core.evaluation import keras_engine
from fcn_core.export import draft_card
from fcn_core.metrics.confusion import ConfusionMatrix
from fcn_core.models.build import build
from fcn_core.models.imported.layouts import TrainedNetwork, read_trained
from fcn_core.models.imported.mat import read_mat
from fcn_core.models.imported.matconvnet import from_parameters
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import WeightsError, tensors_of
from tests.drawn import numpy_layers
from tests.drawn.trained_files import write_keras2_file
from tests.fcn_core.models.networks.test_fcn import disturb

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


def test_archives_that_are_none_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "text.npz").write_text("no weights")
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    save_deeplab(tmp_path / "cut.npz")
    whole = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("empty", "text", "array", "cut"):
        with pytest.raises(WeightsError, match=f"{name}.npz: not readable") as caught:
            read_trained(tmp_path / f"{name}.npz")
        assert "\n" not in str(caught.value)


_DEEPLAB = {
    "head_local": "aspp0",
    "head_context": "image_pooling",
    "head_project_local": "proj_aspp",
    "head_project_context": "proj_pool",
    "head_score": "semantic",
}


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


def test_a_deeplab_archive_becomes_its_network(tmp_path: Path) -> None:
    source = save_deeplab(tmp_path / "w.npz")
    trained = read_trained(tmp_path / "w.npz")
    assert trained.layout == "deeplab"
    scores = keras.Model(source.input, source.get_layer("head_score").output)
    photo = draw(65, 97)
    assert np.array_equal(trained.build("w.npz")(photo), scores(photo))
    for name, said in (
        ("semantic/bias", "head_score/bias is missing"),
        ("proj_pool/kernel", r"1 are missing \(head_project_context/kernel"),
    ):
        save_deeplab(tmp_path / "less.npz", without=name)
        with pytest.raises(WeightsError, match=said):
            read_trained(tmp_path / "less.npz").build("less.npz")


def weights_file(name: str) -> Path:
    folder = os.environ.get("FCN_WEIGHTS")
    path = Path(folder or "") / name
    if not folder or not path.is_file():
        pytest.skip(f"FCN_WEIGHTS is not a folder with {name}")
    return path


def test_deeplabs_archive_is_a_whole_network() -> None:
    path = weights_file("deeplab_mnv2_voc.npz")
    trained = read_trained(path)
    model = trained.build(path.name)
    assert set(tensors_of(model)) == set(trained.tensors)
    assert model(draw(65, 97)).shape == (1, 5, 7, 21)


def test_deeplabs_archive_finds_what_is_on_photos() -> None:
    """Imported as it is, on the first photos of VOC's list of val."""
    path = weights_file("deeplab_mnv2_voc.npz")
    root = os.environ.get("FCN_VOC_ROOT")
    if not root:
        pytest.skip("FCN_VOC_ROOT is not set")
    trained = read_trained(path)
    card = draft_card.draft_card(
        trained.spec,
        name="deeplab",
        classes=trained.classes,
        padding_value=trained.padding_value,
        max_side=trained.max_side,
    )
    model = trained.build(path.name)
    scorer = scoring.PhotoScorer([keras_engine.scorer_of(model, card)])
    confusion = ConfusionMatrix.zero(21)
    names = (Path(root) / "ImageSets/Segmentation/val.txt").read_text().split()
    for name in names[:12]:
        photo = (Path(root) / f"JPEGImages/{name}.jpg").read_bytes()
        mask = scorer.score_photo(photo).mask_png or b""
        truth = (Path(root) / f"SegmentationClass/{name}.png").read_bytes()
        confusion += ConfusionMatrix.of(
            images.decode_mask(truth), images.decode_mask(mask), classes=21
        )
    assert confusion.result().pixel_accuracy > 0.85
    assert confusion.result().miou > 0.5
