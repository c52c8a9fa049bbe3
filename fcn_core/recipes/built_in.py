"""The recipes behind the built-in models, and of `fcn demo --train`."""

from dataclasses import replace
from typing import Final

from fcn_core.models.spec import ModelSpec
from fcn_core.recipes.recipe import RANDOM, Recipe

_QUALITY: Final = Recipe(
    about="Technical quality from degraded copies, of whole photos",
    model=ModelSpec(
        task="aesthetics",
        name="rating",
        backbone="mobilenet_v2",
        classes=10,
        dropout=0.1,
    ),
    init="imagenet",
    notes=(
        "Measures technical quality only: blur, noise, JPEG artefacts and, less "
        "well, exposure. It learned from degraded copies of photos whose target "
        "ratings we made up, and from nobody's votes; it knows nothing of "
        "composition or subject, and its scale is not AVA's."
    ),
    epochs=8,
    batch_size=16,
    learning_rate=1e-3,
    rates={"head": 1.0, "backbone": 0.1},
    average=0.99,
    crop=(288, 288),
    scale=(0.7, 1.0),
    copies=4,
)

BUILT_IN: Final[dict[str, Recipe]] = {
    "voc21": Recipe(
        about="FCN-8s on MobileNetV2, DeepLab-v3's weights, scores that follow edges",
        model=ModelSpec(name="fcn8s", backbone="mobilenet_v2", affinity=32),
        init=None,
        notes="Weaker on photos unlike snapshots.",
        epochs=6,
        batch_size=8,
        learning_rate=5e-2,
        rates={"skip": 0.1, "head": 0.04, "backbone": 1e-4, "affinity": 0.04},
        # With 426 photos what knows classes unlearns more than it learns, at any rate;
        # edges are those of all classes.
        keep_known=("backbone", "head", "skip"),
        weight_decay=1e-4,
        label_stride=4,
        crop=(512, 512),
        scale=(1.0, 1.0),
        padding_that_scores=True,
        max_side=512,
    ),
    "voc21-imagenet": Recipe(
        about="The network of voc21 at stride 32, from ImageNet weights alone",
        # At stride 32 the backbone computes what it was trained for, in half the time.
        model=ModelSpec(
            name="fcn8s", backbone="mobilenet_v2", output_stride=32, dropout=0.1
        ),
        init="imagenet",
        notes="A baseline for networks that start from stronger weights.",
        epochs=20,
        batch_size=8,
        learning_rate=1e-3,
        # Gently: at a rate of 0.2 the backbone forgets what a cat looks like.
        rates={"skip": 1.0, "head": 1.0, "backbone": 0.05},
        average=0.99,
        jaccard=0.5,
        crop=(320, 320),
        # Smaller photos show more of an object at once: few photos teach more that way.
        scale=(0.5, 1.0),
        max_side=320,
        colour=0.3,
        paste=0.5,
    ),
    "drawn": Recipe(
        about="A small FCN-8s from random weights, for the drawn miniature of VOC",
        model=ModelSpec(
            name="fcn8s", backbone="mobilenet_v2", width=0.35, head_width=32
        ),
        init=RANDOM,
        notes=(
            "Small and made for drawn figures: it demonstrates the workflow; expect no "
            "quality."
        ),
        epochs=12,
        batch_size=8,
        learning_rate=3e-3,
        crop=(128, 128),
        scale=(0.8, 1.25),
    ),
    "quality-whole": _QUALITY,
    "quality": replace(
        _QUALITY,
        about="Technical quality from a quarter of the pixels, from quality-whole",
        model=replace(_QUALITY.model, name="rating_sampled", output_stride=32),
        init=None,
        notes=(
            f"{_QUALITY.notes} It looks at a quarter of a photo: windows of 64 pixels, "
            "one in each block of 128; a flaw that lies between them is not seen."
        ),
        epochs=1,
        # Gentle: all that is new are the seams between windows.
        learning_rate=1e-4,
        rates={"head": 1.0, "backbone": 0.3},
        blend=0.5,
        crop=(384, 384),
    ),
}
