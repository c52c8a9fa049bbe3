"""Training recipes: one row of numbers each, by name.

Rates are for losses averaged over pixels or photos. A group's rate is the base rate
times its multiplier; multiplier 0 freezes the group.
"""

from dataclasses import dataclass, field
from typing import Final

from fcn_core.models import ModelSpec
from fcn_core.models.spec import Task


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one model is trained.

    Attributes:
        about: One line for people.
        model: Which network; its `classes` come from the data.
        init: Where weights come from unless told otherwise; None: must be told.
        origin: Where those weights come from, for the model's card.
        licence: Of those weights.
        notes: What a user of the model must know, for its card.
        epochs: Passes over the training photos.
        batch_size: Examples a step.
        learning_rate: Base rate of AdamW.
        rates: Multiplier by layer group (`backbone`, `head`, `skip`).
        decay_power: The rate falls as `(1 - step / steps) ** decay_power`; 0 keeps it.
        weight_decay: AdamW's, on kernels only.
        freeze_batch_norm: Keep the backbone's statistics and scales as loaded.
        blend: Share of the trained weights in the final ones, the rest are the initial
            weights: keeps what those know beyond these photos (Wortsman et al., 2022,
            Robust fine-tuning of zero-shot models).
        crop: Height and width of the training crops in pixels, turned for photos that
            are higher than wide.
        scale: Range of the random resize.
        padding_value: RGB around photos smaller than their canvas.
        max_side: Working size of the model in pixels; None: photos as they are.
        copies: Degraded copies of each photo in a step (ratings only).
    """

    about: str
    model: ModelSpec
    init: str | None
    origin: str
    licence: str
    notes: str
    epochs: int
    batch_size: int
    learning_rate: float
    rates: dict[str, float] = field(
        default_factory=lambda: {"backbone": 1.0, "head": 1.0, "skip": 1.0}
    )
    decay_power: float = 0.9
    weight_decay: float = 0.01
    freeze_batch_norm: bool = True
    blend: float = 1.0
    crop: tuple[int, int] = (384, 384)
    scale: tuple[float, float] = (0.5, 2.0)
    padding_value: tuple[int, int, int] = (127, 127, 127)
    max_side: int | None = 512
    copies: int = 0

    @property
    def task(self) -> Task:
        """The task of the model."""
        return self.model.task


RANDOM: Final = "random"
"""Weights of a recipe that starts from nothing."""

_IMAGENET_MOBILENET = (
    "Backbone: MobileNetV2 1.0 trained on ImageNet, the weights of keras.applications "
    "or a file of the same layout (Apache-2.0); training.init names it."
)

RECIPES: Final[dict[str, Recipe]] = {
    "voc21": Recipe(
        about="FCN-8s on MobileNetV2 at stride 16, gently fine-tuned from DeepLab-v3",
        model=ModelSpec(name="fcn8s", backbone="mobilenet_v2"),
        init=None,
        origin=(
            "Backbone and head: DeepLab-v3 MobileNetV2 of TensorFlow Model Garden "
            "(Apache-2.0), trained on COCO and on Pascal VOC train_aug, dequantised "
            "from its int8 TFLite file. Stride-8 skip: new, zero at the start."
        ),
        licence="Apache-2.0",
        notes=(
            "Finds the 20 object classes of Pascal VOC; everything else is background. "
            "Weak on thin or small things (bicycle, chair, potted plant) and on photos "
            "unlike snapshots. The initial weights have seen VOC train_aug, not VOC's "
            "official val list."
        ),
        epochs=3,
        batch_size=8,
        # Gentle on purpose: a skip at ten times this rate costs two points of mIoU,
        # head and backbone at the skip's rate eight.
        learning_rate=1e-4,
        rates={"skip": 1.0, "head": 0.3, "backbone": 0.03},
        blend=0.5,
    ),
    "voc21-imagenet": Recipe(
        about="The same network from ImageNet weights alone",
        model=ModelSpec(name="fcn8s", backbone="mobilenet_v2", dropout=0.1),
        init="imagenet",
        origin=f"{_IMAGENET_MOBILENET} Head and skip: new.",
        licence="Apache-2.0",
        notes=(
            "Finds the 20 object classes of Pascal VOC; everything else is background. "
            "From ImageNet weights and few photos: a baseline, well below voc21."
        ),
        epochs=15,
        batch_size=8,
        learning_rate=1e-3,
        rates={"skip": 1.0, "head": 1.0, "backbone": 0.1},
        crop=(320, 320),
    ),
    "fcn8s-vgg16": Recipe(
        about="The classic FCN-8s on VGG16, at once from ImageNet weights",
        model=ModelSpec(name="fcn8s", backbone="vgg16"),
        init="imagenet",
        origin=(
            "Backbone: VGG16 trained on ImageNet, the weights of keras.applications "
            "(CC BY 4.0, Visual Geometry Group). Head and skips: new."
        ),
        licence="CC-BY-4.0",
        notes="The seeds' network: 134 million parameters, slow on a CPU.",
        epochs=25,
        batch_size=4,
        learning_rate=1e-4,
        crop=(384, 384),
    ),
    "drawn": Recipe(
        about="A small FCN-8s from nothing, for the drawn miniature of VOC",
        model=ModelSpec(
            name="fcn8s", backbone="mobilenet_v2", width=0.35, head_width=32
        ),
        init=RANDOM,
        origin="Every weight: this run.",
        licence="Apache-2.0",
        notes="Knows drawn figures only: it shows the road, not quality.",
        epochs=12,
        batch_size=8,
        learning_rate=3e-3,
        crop=(128, 128),
        scale=(0.8, 1.25),
    ),
    "quality": Recipe(
        about="Technical quality from degraded copies",
        model=ModelSpec(
            task="aesthetics",
            name="rating",
            backbone="mobilenet_v2",
            classes=10,
            dropout=0.1,
        ),
        init="imagenet",
        origin=f"{_IMAGENET_MOBILENET} Rating head: new.",
        licence="Apache-2.0",
        notes=(
            "Measures technical quality only: blur, noise, JPEG artefacts, exposure "
            "and, weakly, tilt. It learned from degraded copies of photos whose target "
            "ratings we made up; it has never seen AVA's photos or votes, knows "
            "nothing of composition or subject, and its scale is not AVA's."
        ),
        epochs=8,
        batch_size=16,
        learning_rate=1e-3,
        rates={"head": 1.0, "backbone": 0.1},
        crop=(288, 288),
        scale=(0.7, 1.0),
        copies=4,
    ),
}


def find_recipe(name: str) -> Recipe:
    """Returns a recipe by name.

    Raises:
        ValueError: There is none; the message lists those there are.
    """
    if name not in RECIPES:
        raise ValueError(
            f"recipe: got {name!r}, expected one of {', '.join(sorted(RECIPES))}"
        )
    return RECIPES[name]
