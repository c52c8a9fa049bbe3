"""What a training recipe is: a row of numbers.

Rates are for losses averaged over pixels or photos. A group's rate is the base rate
times its multiplier; multiplier 0 freezes the group.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from fcn_core.labels import Task
from fcn_core.models.spec import ModelSpec

Optimizer = Literal["adamw", "adam", "sgd"]
Schedule = Literal["poly", "constant", "step", "plateau"]
Fit = Literal["original", "letterbox"]
Precision = Literal["float32", "bfloat16", "float16"]

RANDOM: Final = "random"
"""Weights of a recipe that starts from nothing."""


class RecipeError(ValueError):
    """A recipe does not exist or cannot do what is asked; the message says what can."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One part of a run that goes on with the weights of the part before it.

    Attributes:
        epochs: Its passes over the training photos.
        learning_rate: Its base rate.
        model: Name of its network; empty: the recipe's.
        rates: Its multipliers by layer group; None: the recipe's.
    """

    epochs: int
    learning_rate: float
    model: str = ""
    rates: dict[str, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one model is trained.

    Attributes:
        about: One line for people.
        model: Which network; its `classes` come from the data. Its `l2` is part of the
            loss.
        init: Default initial weights; None: the run has to name some.
        notes: Caveats for the card that hold for any data; classes, data and origin are
            filled in from the run.
        epochs: Passes over the training photos.
        batch_size: Examples a step.
        stages: Parts of the run, each from the weights of the part before; their
            epochs and rates replace the recipe's; the last network is the result.
        learning_rate: Base rate.
        optimizer: Decoupled weight decay (`adamw`), `adam`, or `sgd` with momentum.
        momentum: Of `sgd`.
        rates: Multiplier by layer group (`backbone`, `head`, `skip`, `affinity`).
        keep_known: Layer groups that stay as they are loaded if the initial weights
            score the same classes; with other classes they learn at their rates.
        bias_rate: Multiplier of the biases' rates on top of it.
        schedule: `poly` falls as `(1 - step / steps) ** decay_power`; `constant`
            stays; `step` falls by `decay_factor` every `decay_epochs`; `plateau` falls
            after `decay_epochs` epochs without a better score (of the photos that
            choose the epoch, or without these of the training loss).
        decay_power: Of `poly`.
        decay_factor: Of `step` and `plateau`.
        decay_epochs: Of `step` and `plateau`.
        least_rate: Share of the base rate that `step` and `plateau` do not go below.
        warm_up: Epochs during which the rate rises in a straight line from 0.
        weight_decay: AdamW's, on kernels only.
        freeze_batch_norm: Keep the backbone's statistics and scales as loaded.
        average: Decay of the moving average over steps that becomes the result
            (Polyak and Juditsky, 1992); 0: the last step's weights are.
        blend: Share of the trained weights in the final ones, beside the initial
            weights: keeps what those know beyond these photos (Wortsman et al., 2022,
            Robust fine-tuning of zero-shot models).
        class_weights: Of the cross-entropy: `none`, `median-frequency` of the training
            photos, or one number a class.
        label_smoothing: Share of the target that is spread over all classes.
        soft_labels: Weight of the initial model's prediction in the target
            (self-distillation, segmentation only).
        teacher_scales: Factors on the photo's sides that the initial model predicts at;
            its soft labels are the mean.
        teacher_mirrored: Whether it also sees every size mirrored.
        jaccard: Weight of the soft IoU's distance beside the cross-entropy
            (segmentation without class weights only).
        label_stride: Pixels between those that losses look at, in rows and in columns;
            a divisor of the logits' stride (segmentation only). Most of a step's time
            goes into pixels if all are looked at, and neighbours teach the same.
        precision: Arithmetic of the layers while training; weights stay float32.
        accumulate: Parts that a batch is computed in, to save memory; the step is that
            of the whole batch.
        crop: Height and width of the training crops in pixels, turned for photos that
            are higher than wide.
        fit: What `scale` is relative to: the photo at its `original` size, or the photo
            enlarged or shrunk to fit into the crop (`letterbox`).
        scale: Range of the random resize.
        flip: Whether every second photo is mirrored.
        colour: Strength of random brightness, contrast, saturation, hue; 0..1.
        paste: Share of the examples that get objects of another example (segmentation
            only).
        views: How a photo is shown to a classifier: a mode of `fcn_core.views` at the
            height of `crop`; empty: crops as for the other networks.
        padding_value: RGB around photos smaller than their canvas.
        padding_that_scores: Pad crops as scoring pads photos: sides rounded up to its
            multiple, not to the crop.
        max_side: Working size of the model in pixels; None: photos as they are.
        enlarge: What smaller photos are multiplied by, up to `max_side`, where they are
            scored (segmentation only).
        nearest_pixels: Pixels of the area that photos are sampled to without a filter,
            their aspect kept, as they are scored too (ratings only, instead of crops);
            None: crops.
        copies: Degraded copies of each photo; ratings are learned from these, not from
            votes.
    """

    about: str
    model: ModelSpec
    init: str | None
    notes: str
    epochs: int
    batch_size: int
    learning_rate: float
    stages: tuple[Stage, ...] = ()
    optimizer: Optimizer = "adamw"
    momentum: float = 0.9
    rates: dict[str, float] = field(
        default_factory=lambda: {"backbone": 1.0, "head": 1.0, "skip": 1.0}
    )
    keep_known: tuple[str, ...] = ()
    bias_rate: float = 1.0
    schedule: Schedule = "poly"
    decay_power: float = 0.9
    decay_factor: float = 0.1
    decay_epochs: int = 10
    least_rate: float = 0.0
    warm_up: float = 0.0
    weight_decay: float = 0.01
    freeze_batch_norm: bool = True
    average: float = 0.0
    blend: float = 1.0
    class_weights: str | tuple[float, ...] = "none"
    label_smoothing: float = 0.0
    soft_labels: float = 0.0
    teacher_scales: tuple[float, ...] = (1.0,)
    teacher_mirrored: bool = False
    jaccard: float = 0.0
    label_stride: int = 1
    precision: Precision = "float32"
    accumulate: int = 1
    crop: tuple[int, int] = (384, 384)
    fit: Fit = "original"
    scale: tuple[float, float] = (0.5, 2.0)
    flip: bool = True
    colour: float = 0.0
    paste: float = 0.0
    views: str = ""
    padding_value: tuple[int, int, int] = (127, 127, 127)
    padding_that_scores: bool = False
    max_side: int | None = 512
    enlarge: float = 1.0
    nearest_pixels: int | None = None
    copies: int = 0

    @property
    def task(self) -> Task:
        """The task of the model."""
        return self.model.task

    @property
    def is_technical(self) -> bool:
        """Whether its ratings are those of degraded copies, not of people."""
        return self.copies > 0

    def parts(self) -> Iterator["Recipe"]:
        """Yields a recipe without stages for each of its stages, or itself."""
        for stage in self.stages:
            yield replace(
                self,
                stages=(),
                model=replace(self.model, name=stage.model or self.model.name),
                epochs=stage.epochs,
                learning_rate=stage.learning_rate,
                rates=self.rates if stage.rates is None else stage.rates,
            )
        if not self.stages:
            yield self

    def with_epochs(self, epochs: int) -> "Recipe":
        """Returns the recipe with other epochs, in each of its stages."""
        stages = tuple(replace(stage, epochs=epochs) for stage in self.stages)
        return replace(self, epochs=epochs, stages=stages)

    def with_frozen(self, groups: Collection[str]) -> "Recipe":
        """Returns the recipe without training of these groups, in each stage."""
        frozen = dict.fromkeys(groups, 0.0)
        stages = tuple(
            replace(stage, rates=None if stage.rates is None else stage.rates | frozen)
            for stage in self.stages
        )
        return replace(self, rates=self.rates | frozen, stages=stages)

    def with_learning_rate(self, rate: float) -> "Recipe":
        """Returns the recipe with another base rate; stages keep their proportions."""
        first = self.stages[0].learning_rate if self.stages else self.learning_rate
        stages = tuple(
            replace(stage, learning_rate=stage.learning_rate / first * rate)
            for stage in self.stages
        )
        return replace(self, learning_rate=rate, stages=stages)
