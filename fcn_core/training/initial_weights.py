"""Where a run's first weights come from: nothing, Keras, a run, a bundle or a file."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keras

from fcn_core.bundles import find, photo_list
from fcn_core.bundles.photo_list import Photos
from fcn_core.export import reopen
from fcn_core.models.spec import ModelSpec
from fcn_core.models.weights.assign import WeightReport, describe_weights, transfer
from fcn_core.models.weights.files import load_weights
from fcn_core.recipes.recipe import RANDOM
from fcn_core.training.run_folder import RunFolder, load_run
from fcn_core.training.run_record import Origin

IMAGENET: Final = "imagenet"
"""Weights that Keras downloads."""

Names = list[str] | None
"""Names of the classes by id; None for ratings."""

EVERY_LAYER: Final = "every layer"
"""Stands in a report for the names of all layers."""


_OURS: Final = Origin("", "Apache-2.0")

_DEEPLAB: Final = Origin(
    "DeepLab-v3 MobileNetV2 of TensorFlow Model Garden (Apache-2.0), trained on "
    "COCO and on Pascal VOC train_aug, not on VOC's official val list, dequantised "
    "from deeplabv3_mnv2_pascal_quant.tflite of google-coral/test_data (sha256 "
    "350af47fd346ea6d74b58833a351f583ba860e9806ec5bd292ff8d8f1f249398)",
    "Apache-2.0",
)
_FILES: Final = {
    # deeplabv3_mnv2_pascal_quant.tflite of google-coral/test_data, and its tensors
    "350af47fd346ea6d74b58833a351f583ba860e9806ec5bd292ff8d8f1f249398": _DEEPLAB,
    "a0b50d5db1634b2a062586d9b39130f83eeaa5c720ee0578348aaf8cc8bc054e": _DEEPLAB,
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


class InitialWeights(ABC):
    """Weights that a run starts from; `open_initial` returns the right kind."""

    @abstractmethod
    def load(self, model: keras.Model, spec: ModelSpec, classes: Names) -> WeightReport:
        """Loads what these weights have and reports what they lack.

        Scores of classes with other names are new.

        Args:
            model: Changed in place.
            spec: What the model is.
            classes: Those of the data.

        Raises:
            ModelError: The bundle is damaged.
            RunError: The run is not finished.
            WeightsError: The weights do not fit.
        """

    @abstractmethod
    def describe(self) -> str:
        """Returns their name without a folder, and a hash where they have one."""

    @abstractmethod
    def origin(self, spec: ModelSpec) -> Origin:
        """Returns whose work they are, as far back as records tell.

        Args:
            spec: Of the network that they go into.
        """

    def photos(self) -> Photos | None:
        """Returns the photos that they are known to have learned from, if listed.

        Raises:
            ModelError: The list is damaged.
        """
        return None


@dataclass(frozen=True)
class Random(InitialWeights):
    """What the layers start with by themselves."""

    def load(self, model: keras.Model, spec: ModelSpec, classes: Names) -> WeightReport:
        """Loads nothing: every layer is new."""
        del model, spec, classes
        return WeightReport(loaded=(), new=(EVERY_LAYER,))

    def describe(self) -> str:
        """Returns the word for them."""
        return RANDOM

    def origin(self, spec: ModelSpec) -> Origin:
        """Returns our own: they are nobody's work."""
        del spec
        return _OURS


@dataclass(frozen=True)
class ImageNet(InitialWeights):
    """The backbone's weights of keras.applications, downloaded by Keras."""

    def load(self, model: keras.Model, spec: ModelSpec, classes: Names) -> WeightReport:
        """Loads the backbone, and VGG's Dense layers where they fit."""
        del classes
        return load_weights(model, spec, IMAGENET)

    def describe(self) -> str:
        """Returns the word for them."""
        return IMAGENET

    def origin(self, spec: ModelSpec) -> Origin:
        """Returns the title and licence of the backbone's weights."""
        unknown = (spec.backbone, "as keras.applications states it")
        title, licence = _IMAGENET.get(spec.backbone, unknown)
        words = f"{title} trained on ImageNet, the weights of keras.applications"
        return Origin(f"{words} ({licence})", licence)


@dataclass(frozen=True)
class Run(InitialWeights):
    """The chosen weights of another run."""

    folder: Path

    def load(self, model: keras.Model, spec: ModelSpec, classes: Names) -> WeightReport:
        """Loads what both networks have."""
        del spec
        source, _, record = load_run(self.folder)
        same = record.settings.classes == classes
        return transfer(source, model, same_classes=same)

    def describe(self) -> str:
        """Returns the name of the folder."""
        return self.folder.name

    def origin(self, spec: ModelSpec) -> Origin:
        """Returns its recipe and what it started from."""
        del spec
        record = RunFolder.open(self.folder).record
        start, recipe = record.origin.words or "random weights", record.settings.recipe
        words = f"a run of {recipe} that started from {start}"
        return Origin(words, record.origin.licence)

    def photos(self) -> Photos | None:
        """Returns the list in its folder."""
        return RunFolder.open(self.folder).photos()


@dataclass(frozen=True)
class Bundle(InitialWeights):
    """The weights of an exported or a built-in model."""

    name: str

    def load(self, model: keras.Model, spec: ModelSpec, classes: Names) -> WeightReport:
        """Loads what both networks have."""
        del spec
        same = find.classes_of(self.name) == classes
        return transfer(reopen.load_bundle(self.name), model, same_classes=same)

    def describe(self) -> str:
        """Returns its label and the start of its fingerprint."""
        card = find.card_of(self.name)
        return f"{card.label} {card.fingerprint[:16]}"

    def origin(self, spec: ModelSpec) -> Origin:
        """Returns what its card states."""
        del spec
        card = find.card_of(self.name)
        return Origin(f'whose origin is "{card.origin}"', card.licence)

    def photos(self) -> Photos | None:
        """Returns the list that its card vouches for."""
        return photo_list.read_verified(
            find.find_bundle(self.name), find.card_of(self.name)
        )


@dataclass(frozen=True)
class File(InitialWeights):
    """An `.npz`, `.h5` or `.tflite` file of weights."""

    path: str

    def load(self, model: keras.Model, spec: ModelSpec, classes: Names) -> WeightReport:
        """Loads the layers of the same names."""
        del classes
        return load_weights(model, spec, self.path)

    def describe(self) -> str:
        """Returns its name and sha256."""
        return describe_weights(self.path)

    def origin(self, spec: ModelSpec) -> Origin:
        """Returns what is known of a file with this content."""
        del spec
        name, _, digest = self.describe().partition(" sha256:")
        unknown = Origin("weights whose origin is not recorded", f"that of {name}")
        return _FILES.get(digest, unknown)


def open_initial(text: str) -> InitialWeights:
    """Returns the initial weights that a person asked for.

    Args:
        text: `random`, `imagenet`, a run folder, a bundle's folder, the name of a
            built-in model, or the path of an `.npz`, `.h5` or `.tflite`
            file.
    """
    if text == RANDOM:
        return Random()
    if text == IMAGENET:
        return ImageNet()
    if RunFolder.is_in(Path(text)):
        return Run(Path(text))
    if find.is_bundle(text):
        return Bundle(text)
    return File(text)


def started_from(described: str, origin: Origin) -> str:
    """Returns what weights are, for a card: their name and whose work they are.

    Args:
        described: What `InitialWeights.describe` returned.
        origin: Theirs.
    """
    name = re.sub(r" (sha256:)?[0-9a-f]+$", "", described)
    return origin.words if name == IMAGENET else f"{name}, {origin.words}"


def flag_of(described: str, given: str) -> str:
    """Returns what `--init` takes to repeat a run; INIT for a bundle's or run's folder.

    Args:
        described: What `InitialWeights.describe` returned.
        given: What was asked for; empty: what the recipe says.
    """
    if described in (RANDOM, IMAGENET) or given in find.built_in_names():
        return given or described
    name, _, digest = described.partition(" sha256:")
    return name if digest else "INIT"
