"""How a run begins: norms of random weights."""

import keras
import numpy as np

from fcn_core.models.build import build
from fcn_core.models.spec import ModelSpec
from fcn_core.training.start import measure_norms


def test_norms_keep_the_signal_of_random_weights_alive() -> None:
    network = build(ModelSpec(backbone="mobilenet_v2", width=0.35, head_width=8))
    deepest = network.get_layer("block_16_project_BN")
    features = keras.Model(network.inputs, deepest.output)
    photos = np.random.default_rng(1).integers(0, 256, (4, 64, 64, 3), np.uint8)
    assert np.ptp(features(photos.astype("f4"))) < 1e-8
    measure_norms(network, iter([[(photos,)]]))
    seen = np.asarray(features(photos.astype("f4")))
    np.testing.assert_allclose(seen.mean(axis=(0, 1, 2)), 0, atol=0.05)
    np.testing.assert_allclose(seen.std(axis=(0, 1, 2)), 1, atol=0.05)
    assert deepest.momentum == 0.999
