"""MatConvNet's files: every tensor in its place, not flipped, and no other."""

from pathlib import Path

import numpy as np
import pytest

from fcn_core.models.imported.mat import read_mat
from fcn_core.models.imported.matconvnet import from_parameters
from fcn_core.models.weights.assign import WeightsError, tensors_of
from tests.drawn import numpy_layers
from tests.drawn.tiny_networks import draw_floats
from tests.drawn.trained_files import CLASSES, MEAN, draw_fcn, write_mat

io = pytest.importorskip("scipy.io", reason="scipy is not installed")


@pytest.mark.parametrize(("name", "style"), [("fcn16s", "long"), ("fcn8s", "short")])
def test_matconvnet_files_of_both_styles_become_their_network(
    name: str, style: str, tmp_path: Path
) -> None:
    source = draw_fcn(name, geometry="caffe", preprocessing="rgb", rgb_mean=MEAN)
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
    photo = draw_floats(33, 47)
    logits = np.asarray(model(photo))
    assert np.array_equal(logits, np.asarray(source(photo)))
    # Against NumPy: nothing is flipped, the mean is the file's.
    expected = numpy_layers.run(source, photo)
    assert np.abs(logits - expected).max() <= 1e-4 * np.abs(expected).max()


def test_kernels_are_not_flipped(tmp_path: Path) -> None:
    source = draw_fcn("fcn32s")
    layer = source.get_layer("block1_conv1")
    kernel = np.zeros(layer.kernel.shape, np.float32)
    kernel[0, 2] = 1  # looks up and right
    layer.kernel.assign(kernel)
    write_mat(tmp_path / "net.mat", source, "fcn32s", "long")
    model = from_parameters(*read_mat(tmp_path / "net.mat")).build("net.mat")
    assert np.array_equal(model.get_layer("block1_conv1").kernel, kernel)
    corner = np.asarray(model.get_layer("head_fc6").kernel)
    assert np.array_equal(corner, np.asarray(source.get_layer("head_fc6").kernel))


def test_what_a_file_lacks_or_has_too_much_is_named(tmp_path: Path) -> None:
    write_mat(tmp_path / "net.mat", draw_fcn("fcn16s"), "fcn16s", "long")
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
