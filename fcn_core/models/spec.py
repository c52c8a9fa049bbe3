"""What a model is, as a small value: enough to rebuild it and to use its logits."""

import dataclasses
from typing import Any, Literal, Self, get_args

from fcn_core.geometry import Alignment
from fcn_core.labels import RATING_BINS, Pooling, Task
from fcn_core.models.backbones.rows import BACKBONES, Backbone
from fcn_core.models.spec_options import check_options

Geometry = Literal["same", "caffe", "valid"]
Upsampling = Literal["bilinear", "transposed", "learnable"]

SEGMENTATION_STRIDES: dict[str, int] = {
    "fcn8s": 8,
    "fcn16s": 16,
    "fcn32s": 32,
    "dilated": 0,
    "deconvnet": 1,
    "deconvnet_repeat": 1,
}
"""Stride of the logits of each segmentation network, in pixels; 0: its backbone's."""

RATING_STRIDE = 16
"""Stride of the cells that a rating network scores, in pixels."""

SAMPLED = "rating_sampled"
"""The rating network that looks at a quarter of a photo's pixels."""

SAMPLED_BLOCK = 128
"""Sides of photos are multiples of it there, in pixels."""

RATING_STRIDES: dict[str, int] = {
    "rating": RATING_STRIDE,
    SAMPLED: 2 * RATING_STRIDE,
    "classifier": 0,
}
"""The same for networks that rate or classify whole photos."""

BASELINE = "baseline"
"""The classifier that is not fully convolutional: one size, no map."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A network by name and numbers; `fcn_core.models.build` builds it.

    Attributes:
        task: What it predicts.
        name: `fcn8s`, `fcn16s`, `fcn32s`, `dilated`, `deconvnet`, `deconvnet_repeat`
            (segmentation); `rating`, `rating_sampled`, `classifier`, `baseline`
            (aesthetics).
        backbone: Row of `fcn_core.models.backbones.rows.BACKBONES`.
        classes: Channels of the logits: classes, or rating bins; 1 rating bin is a
            regression to a mark between 1 and 10.
        output_stride: Stride of the deepest features, in pixels; 0 takes the usual one
            of the backbone for this network.
        width: Channel multiplier of the backbone (1.0 is the published network).
        head_width: Hidden channels of the head; 0 takes the published number.
        dropout: Rate inside the head while training, 0..1; below 0 takes the usual.
        geometry: `same` pads every convolution, so that features stay in their place;
            `caffe` pads the photo by 100 pixels and crops (the FCN paper's release);
            `valid` leaves fc6 without padding (classifiers on VGG).
        upsampling: `bilinear` has no weights; `transposed` uses convolutions with
            frozen bilinear kernels, as Keras-FCN and tf-image-segmentation do;
            `learnable` trains them.
        full_size: Whether the logits are upsampled to pixels inside the network.
        skip_scales: Scale pool4 by 0.01 and pool3 by 0.0001 before their scores, as
            the FCN paper's release does where FCN-8s is trained at once.
        l2: Penalty on the squares of all kernels, added to a model's losses.
        pooling: How cells become a photo's ratings.
        low_level: Whether a classifier sees its backbone's stride-4 features too.
        affinity: Hidden channels of the branch that makes scores follow edges, see
            `networks.affinity`; 0: none.
        rating_classes: Rating bins of a second head on a segmentation network; 0: none.
        preprocessing: Mode of `layers.Preprocess`; empty takes the backbone's.
        rgb_mean: Red, green, blue to subtract in mode `rgb`, 0..255.
    """

    task: Task = "segmentation"
    name: str = "fcn8s"
    backbone: str = "vgg16"
    classes: int = 21
    output_stride: int = 0
    width: float = 1.0
    head_width: int = 0
    dropout: float = -1.0
    geometry: Geometry = "same"
    upsampling: Upsampling = "bilinear"
    full_size: bool = False
    skip_scales: bool = False
    l2: float = 0.0
    pooling: Pooling = "average"
    low_level: bool = False
    affinity: int = 0
    rating_classes: int = 0
    preprocessing: str = ""
    rgb_mean: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for field, kind in _CHOICES.items():
            _check_choice(field, getattr(self, field), kind)
        known = _names(self.task)
        if self.name not in known:
            raise ValueError(
                f"model name: got {self.name!r}, expected one of {', '.join(known)} "
                f"for the task {self.task}"
            )
        if self.classes < 1:
            raise ValueError(f"classes: got {self.classes}, expected at least 1")
        if self.width <= 0:
            raise ValueError(f"width: got {self.width}, expected above 0")
        row = self.backbone_row
        self._default("output_stride", 0, self._usual_output_stride())
        self._default("head_width", 0, _usual_head_width(self))
        self._default("dropout", -1.0, 0.5 if row.head == "convolutional" else 0.0)
        self._default("preprocessing", "", row.preprocessing)
        self._default("full_size", False, self.geometry == "caffe")
        if self.output_stride not in row.output_strides:
            raise ValueError(
                f"output_stride of {self.backbone}: got {self.output_stride}, "
                f"expected one of {row.output_strides}"
            )
        if self._finest_stride > self.output_stride:
            raise ValueError(
                f"{self.name} scores at stride {self._finest_stride}, its backbone "
                f"ends at output_stride {self.output_stride}; use a larger one"
            )
        check_options(self)

    def _default(self, field: str, unset: Any, value: Any) -> None:
        if getattr(self, field) == unset:
            object.__setattr__(self, field, value)

    def _usual_output_stride(self) -> int:
        """Returns the finest usual stride of the backbone that the network can use."""
        row = self.backbone_row
        if self.name == "dilated":
            finer = [stride for stride in row.output_strides if stride < 32]
            return max(finer, default=max(row.output_strides))
        if self.name in ("classifier", BASELINE):
            return max(row.usual_strides)
        usable = [s for s in row.usual_strides if s >= self._finest_stride]
        return min(usable)

    @property
    def backbone_row(self) -> Backbone:
        """Row of the backbone in the table."""
        if self.backbone not in BACKBONES:
            raise ValueError(
                f"backbone: got {self.backbone!r}, expected one of "
                f"{', '.join(BACKBONES)}"
            )
        return BACKBONES[self.backbone]

    @property
    def _finest_stride(self) -> int:
        """Stride of the finest features that become scores, in pixels."""
        strides = SEGMENTATION_STRIDES | RATING_STRIDES
        return strides.get(self.name, 0) or self.output_stride

    @property
    def score_stride(self) -> int:
        """Pixels between scores before they are enlarged to `full_size`."""
        return self._finest_stride

    @property
    def logits_stride(self) -> int:
        """Pixels between neighbouring logits."""
        return 1 if self.full_size else self._finest_stride

    @property
    def channels(self) -> int:
        """Channels of the logits: a regression has two, see `rating_bins`."""
        return 2 if self.task == "aesthetics" and self.classes == 1 else self.classes

    @property
    def rating_bins(self) -> tuple[float, ...]:
        """What the channels of ratings stand for; empty for a segmentation.

        Ten are AVA's ratings 1..10, two its low and high halves (the mean rating is
        the probability of high). A single class is a mark m between 1 and 10: its two
        channels 0 and z give m = 1 + 9 sigmoid(z), which is the mean of a distribution
        over the bins 1 and 10.
        """
        count = self.classes if self.task == "aesthetics" else self.rating_classes
        return _bins(count) if count else ()

    @property
    def size_multiple(self) -> int:
        """Sides of a padded input are multiples of this, in pixels."""
        if self.geometry == "caffe":
            return 1
        if self.name == SAMPLED:
            return SAMPLED_BLOCK
        return max(self.output_stride, self._finest_stride, self._second_stride)

    @property
    def _second_stride(self) -> int:
        return RATING_STRIDE if self.rating_classes else 1

    @property
    def alignment(self) -> Alignment:
        """Pixel of logit j: s * j (corner) or s * j + (s - 1) / 2 (center)."""
        return self.backbone_row.alignment

    @property
    def minimum_side(self) -> int:
        """Smallest side the network accepts, in pixels."""
        if self.name == BASELINE:
            return self.backbone_row.classifier_side
        if self.geometry == "valid":
            return 7 * 32  # fc6 looks at 7x7 cells, pooled without rounding up
        if self.name.startswith("deconvnet"):
            return 6 * 32 + 1
        return self.backbone_row.minimum_side

    @property
    def not_exported(self) -> str:
        """Reason why no bundle can be made of it; empty: it can be exported."""
        if self.name == BASELINE:
            return f"takes photos of one size, {self.minimum_side} pixels a side"
        if self.geometry == "valid":
            return "leaves out cells at the border, so its ratings have no place there"
        return ""

    def to_json(self) -> dict[str, Any]:
        """Returns plain values that `from_json` turns back into this spec."""
        values = dataclasses.asdict(self) | {"rgb_mean": list(self.rgb_mean)}
        return {k: v for k, v in values.items() if v or k not in _ADDED}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Rebuilds a spec written by `to_json`.

        A field that was added later is off where it was not written.

        Raises:
            ValueError: A name is unknown or missing.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        missing = sorted(known - set(values) - set(_ADDED))
        if unknown or missing:
            raise ValueError(
                f"model spec: got unknown {unknown} and missing {missing}, expected "
                f"exactly {', '.join(sorted(known))}; it was written by another version"
            )
        return cls(**(values | {"rgb_mean": tuple(values["rgb_mean"])}))


_ADDED = ("affinity",)
"""Fields of later versions: written only where they are on, as runs compare specs."""

_CHOICES: dict[str, object] = {
    "task": Task,
    "geometry": Geometry,
    "upsampling": Upsampling,
    "pooling": Pooling,
}
"""Fields whose values are names, and the names."""


def _check_choice(field: str, got: Any, kind: Any) -> None:
    if got not in get_args(kind):
        raise ValueError(
            f"{field}: got {got!r}, expected one of {', '.join(get_args(kind))}"
        )


def _names(task: Task) -> tuple[str, ...]:
    if task == "segmentation":
        return (*SEGMENTATION_STRIDES,)
    return (*RATING_STRIDES, BASELINE)


def _usual_head_width(spec: ModelSpec) -> int:
    if spec.name in ("rating", SAMPLED):
        return 64
    return {"convolutional": 4096, "pooled": 256, "linear": 0}[spec.backbone_row.head]


def _bins(count: int) -> tuple[float, ...]:
    if count == 1:
        return (float(RATING_BINS[0]), float(RATING_BINS[-1]))
    if count == len(RATING_BINS):
        return tuple(float(rating) for rating in RATING_BINS)
    return tuple(float(number) for number in range(count))
