"""The networks that are measured; their weights are random, which changes no speed."""

from collections.abc import Mapping
from typing import Final

from fcn_core.models.spec import ModelSpec
from fcn_core.recipes.built_in import BUILT_IN
from fcn_core.recipes.published import PUBLISHED
from fcn_core.recipes.ratings import RATINGS


def _vgg(name: str) -> ModelSpec:
    return ModelSpec(name=name, backbone="vgg16")


def _nima(backbone: str) -> ModelSpec:
    return ModelSpec(
        task="aesthetics", name="classifier", backbone=backbone, classes=10
    )


NETWORKS: Final[Mapping[str, ModelSpec]] = {
    "voc21": BUILT_IN["voc21"].model,
    "voc21-imagenet": BUILT_IN["voc21-imagenet"].model,
    "voc21-rated": ModelSpec(backbone="mobilenet_v2", rating_classes=10),
    "fcn8s-vgg16": PUBLISHED["fcn8s-vgg16"].model,
    "fcn16s-vgg16": _vgg("fcn16s"),
    "fcn32s-vgg16": _vgg("fcn32s"),
    "fcn8s-resnet50": ModelSpec(backbone="resnet50"),
    "dilated-resnet101": PUBLISHED["tf-image-segmentation-resnet101-8s"].model,
    "deconvnet-vgg16": _vgg("deconvnet"),
    "aesthetics": RATINGS["aesthetics"].model,
    "nima-vgg16": _nima("vgg16"),
    "nima-inception_resnet_v2": _nima("inception_resnet_v2"),
    "quality": BUILT_IN["quality"].model,
    "drawn": BUILT_IN["drawn"].model,
}
"""By their names in tables: those of recipes, or network and backbone."""

MEASURED: Final = tuple(name for name in NETWORKS if name != "drawn")
"""Those of the usual table; `drawn` is a toy, for a try without a GPU."""
