"""Recipes for ratings by people: AVA's high and low halves, and its votes.

The experiments of bmezaris/fully_convolutional_networks (Apostolidis and Mezaris, 2019)
by number, as its notebook meant them: views that show what their names say, the
published inputs of the backbone, a plateau that does lower the rate.
"""

from dataclasses import replace
from typing import Any, Final

from fcn_core.models.spec import ModelSpec
from fcn_core.recipes.recipe import Recipe, Stage

_SIDE: Final = 224


def _experiment(
    about: str, *, ratio: float = 1.5, views: str = "plain", **model: Any
) -> Recipe:
    side = round(_SIDE * ratio)
    options: dict[str, Any] = {"name": "classifier", "geometry": "valid"} | model
    return Recipe(
        about=about,
        model=ModelSpec(
            task="aesthetics",
            backbone="vgg16",
            classes=2,
            pooling="max",
            dropout=0.0,
            **options,
        ),
        notes="Distinguishes photos that voters rate high from those they rate low.",
        epochs=20,
        batch_size=8,
        learning_rate=0.01,
        optimizer="sgd",
        momentum=0.0,
        schedule="plateau",
        decay_factor=0.2,
        decay_epochs=3,
        least_rate=0.1,
        crop=(side, side),
        views=views,
        padding_value=(0, 0, 0),
        max_side=side,
        init="imagenet",
    )


_NIMA: Final[dict[str, Any]] = {
    "notes": "Ratings 1 to 10 as the voters of its training data gave them.",
    "epochs": 10,
    "batch_size": 32,
    "learning_rate": 5e-3,
    "crop": (224, 224),
    "scale": (1.0, 1.0),
    "max_side": 256,
    "padding_value": (127, 127, 127),
    "init": "imagenet",
}

_NIMA_MODEL: Final = ModelSpec(
    task="aesthetics",
    name="classifier",
    backbone="mobilenet",
    classes=10,
    dropout=0.75,
)

RATINGS: Final[dict[str, Recipe]] = {
    "aesthetics": Recipe(
        about="The built-in aesthetics, gently fine-tuned to the taste of other raters",
        model=replace(_NIMA_MODEL, dropout=0.5),
        notes=(
            "Ratings 1 to 10 as the raters of its training data gave them, beside "
            "those of AVA, whom its initial weights had learned from."
        ),
        init="aesthetics",
        epochs=5,
        batch_size=32,
        learning_rate=1e-4,
        rates={"head": 1.0, "backbone": 0.1},
        average=0.99,
        padding_value=(127, 127, 127),
        # Photos as the network was trained on them: whole, sampled, about this large.
        max_side=640,
        nearest_pixels=224 * 224,
        crop=(224, 224),
        scale=(1.0, 1.0),
    ),
    "ava-fcn-1": _experiment(
        "VGG16 as published, Dense layers, squares of 224",
        ratio=1.0,
        name="baseline",
        geometry="same",
    ),
    "ava-fcn-2": _experiment("FCN on squares of 224", ratio=1.0),
    "ava-fcn-3": _experiment("FCN on squares of 336", ratio=1.5),
    "ava-fcn-4": _experiment("FCN on squares of 448", ratio=2.0),
    "ava-fcn-5": _experiment("FCN on squares of 672", ratio=3.0),
    "ava-fcn-6": _experiment("FCN on the middle square, 336", views="crop"),
    "ava-fcn-7": _experiment("FCN on padded photos, 336", views="pad"),
    "ava-fcn-8": _experiment("FCN on three squares, 336", views="multi_crop"),
    "ava-fcn-9": _experiment(
        "FCN on three squares, 336, with early features",
        views="multi_crop",
        low_level=True,
    ),
    "nima": Recipe(
        about="NIMA: MobileNet, EMD r=2, SGD; rates found to converge",
        model=_NIMA_MODEL,
        optimizer="sgd",
        schedule="step",
        decay_factor=0.95,
        rates={"head": 1.0, "backbone": 0.1},
        **_NIMA,
    ),
    "nima-adam": Recipe(
        about="NIMA: MobileNet, EMD r=2, Adam: the head alone, then everything",
        model=_NIMA_MODEL,
        optimizer="adam",
        schedule="constant",
        stages=(
            Stage(epochs=5, learning_rate=1e-3, rates={"head": 1.0, "backbone": 0.0}),
            Stage(epochs=9, learning_rate=3e-5),
        ),
        **(_NIMA | {"batch_size": 96}),
    ),
    "nima-mean": Recipe(
        about="The mean rating alone, squared error",
        model=replace(_NIMA_MODEL, classes=1),
        optimizer="adam",
        schedule="constant",
        stages=(
            Stage(epochs=5, learning_rate=1e-3, rates={"head": 1.0, "backbone": 0.0}),
            Stage(epochs=9, learning_rate=3e-5),
        ),
        **(_NIMA | {"batch_size": 96}),
    ),
}

FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "ava-fcn-all": tuple(f"ava-fcn-{number}" for number in range(1, 10)),
}
"""Names that stand for several recipes, run one after another and compared."""
