"""Where a run's first weights come from: nothing, a file, another run, a bundle."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras

from fcn_core.bundles import find
from fcn_core.export import reopen
from fcn_core.models.regularisation import every_layer
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import WeightReport, describe_weights, transfer
from fcn_core.models.weights.files import load_weights
from fcn_core.recipes.recipe import RANDOM
from fcn_core.training.batches import Batch
from fcn_core.training.run_folder import RUN_NAME, RunFolder, load_run

IMAGENET: Final = "imagenet"
"""Weights that Keras downloads."""

EVERY_LAYER: Final = "every layer"
"""Stands in a report for the names of all layers."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Origin:
    """Whose work weights are.

    Attributes:
        words: A sentence without its end, for a card; empty: nobody's before the run.
        licence: Of the weights.
    """

    words: str
    licence: str


_OURS: Final = Origin("", "Apache-2.0")

_FILES: Final = {
    "a0b50d5db1634b2a062586d9b39130f83eeaa5c720ee0578348aaf8cc8bc054e": Origin(
        "DeepLab-v3 MobileNetV2 of TensorFlow Model Garden (Apache-2.0), trained on "
        "COCO and on Pascal VOC train_aug, not on VOC's official val list, dequantised "
        "from its int8 TFLite file",
        "Apache-2.0",
    ),
    "d018d47ff85c2a15411306b552745c112d9ebcd199dc033eb774c5a0396a1caa": Origin(
        "MobileNetV2 1.0 trained on ImageNet (Apache-2.0)", "Apache-2.0"
    ),
}
"""What files are, by sha256: a name proves nothing."""

_IMAGENET: Final = {
    "vgg16": ("VGG16", "CC-BY-4.0"),
    "vgg19": ("VGG19", "CC-BY-4.0"),
    "resnet50": ("ResNet50", "Apache-2.0"),
    "resnet101": ("ResNet101", "Apache-2.0"),
    "mobilenet": ("MobileNet", "Apache-2.0"),
    "mobilenet_v2": ("MobileNetV2", "Apache-2.0"),
}
"""Title and licence of the weights of keras.applications."""


def load_initial(
    model: keras.Model, spec: ModelSpec, init: str, *, classes: list[str] | None
) -> WeightReport:
    """Loads what the initial weights have and tells what they lack.

    Scores of classes with other names are new.

    Args:
        model: Changed in place.
        spec: What it is.
        init: `random`, a run folder, a bundle or a built-in model, or what
            `models.load_weights` takes.
        classes: Names of the data's classes.

    Raises:
        ModelError: The bundle is damaged.
        RunError: The run is not finished.
        WeightsError: The weights do not fit.
    """
    if (Path(init) / RUN_NAME).is_file():
        source, _, record = load_run(Path(init))
        same = record["settings"]["classes"] == classes
        report = transfer(source, model, same_classes=same)
    elif find.is_bundle(init):
        same = find.classes_of(init) == classes
        report = transfer(reopen.load_bundle(init), model, same_classes=same)
    elif init == RANDOM:
        report = WeightReport(loaded=(), new=(EVERY_LAYER,))
    else:
        report = load_weights(model, spec, init)
    loaded, new = len(report.loaded), ", ".join(report.new) or "none"
    _log.info("initial weights %s: %d layers loaded, new: %s", init, loaded, new)
    return report


def measure_norms(model: keras.Model, batches: Iterable[Batch]) -> None:
    """Gives every batch norm of a network of random weights statistics to stand on.

    Norms that begin as the identity normalise nothing. Kept so, as recipes keep them,
    they let the signal die out: MobileNetV2's deepest features are then 1e-11 times
    its photos, and only biases learn.

    Args:
        model: Its norms are changed, each by what those before it let through.
        batches: Photos to measure; of these the first batch's of the first size.
    """
    norms = [
        layer
        for layer in every_layer(model)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not norms:
        return
    first_piece, *_ = next(iter(batches))
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(keras.ops.cast(first_piece[0], "float32"), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum


def describe_initial(init: str) -> str:
    """Names initial weights without their folder, and what they are."""
    if find.is_bundle(init):
        card = find.card_of(init)
        return f"{card.label} {card.fingerprint[:16]}"
    return describe_weights(init)


def origin_of(init: str, spec: ModelSpec) -> Origin:
    """Returns whose work initial weights are, as far back as records tell.

    Args:
        init: As `load_initial` takes it.
        spec: Of the network that they go into.
    """
    if (Path(init) / RUN_NAME).is_file():
        record = RunFolder.open(Path(init)).record
        before = recorded_origin(record)
        words = before.words or "random weights"
        recipe = record["settings"]["recipe"]
        return Origin(f"a run of {recipe} that started from {words}", before.licence)
    if find.is_bundle(init):
        card = find.card_of(init)
        return Origin(f'whose origin is "{card.origin}"', card.licence)
    return named_origin(describe_initial(init), spec)


def recorded_origin(record: dict[str, Any]) -> Origin:
    """Returns whose work a run's initial weights were, from its `run.json`."""
    if "origin" in record:
        return Origin(**record["origin"])
    settings = record["settings"]  # of a run that is older than this record
    return named_origin(settings["init"], ModelSpec.from_json(settings["model"]))


def named_origin(described: str, spec: ModelSpec) -> Origin:
    """Returns whose work weights are, from what `describe_initial` says of them."""
    if described == RANDOM:
        return _OURS
    if described == IMAGENET:
        title, licence = _IMAGENET.get(
            spec.backbone, (spec.backbone, "as keras.applications states it")
        )
        words = f"{title} trained on ImageNet, the weights of keras.applications"
        return Origin(f"{words} ({licence})", licence)
    name, _, digest = described.partition(" sha256:")
    unknown = Origin("weights whose origin is not recorded", f"that of {name}")
    return _FILES.get(digest, unknown)
