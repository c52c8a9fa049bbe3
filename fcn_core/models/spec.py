"""What a model is, as a small value: enough to rebuild it and to use its logits."""

import dataclasses
from typing import Literal, Self

from fcn_core.models.backbones import BACKBONES, Backbone

Task = Literal["segmentation", "aesthetics"]

FINEST_STRIDE: dict[str, int] = {"fcn8s": 8, "fcn16s": 16, "fcn32s": 32}
"""Stride of the logits of each segmentation network, in pixels."""

RATING_STRIDE = 16
"""Stride of the cells that a rating network scores, in pixels."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One network by name and numbers; `fcn_core.models.build` makes it.

    Attributes:
        task: What it predicts.
        name: `fcn8s`, `fcn16s`, `fcn32s` (segmentation) or `rating` (aesthetics).
        backbone: Row of `fcn_core.models.backbones.BACKBONES`.
        classes: Channels of the logits: classes, or rating bins.
        output_stride: Stride of the deepest features, in pixels; 0 takes the finest
            that the backbone offers for this network.
        width: Channel multiplier of the backbone (1.0 is the published network).
        head_width: Hidden channels of the head; 0 takes the published number.
        dropout: Rate inside the head while training, 0..1; below 0 takes the usual.
    """

    task: Task = "segmentation"
    name: str = "fcn8s"
    backbone: str = "vgg16"
    classes: int = 21
    output_stride: int = 0
    width: float = 1.0
    head_width: int = 0
    dropout: float = -1.0

    def __post_init__(self) -> None:
        known = (*FINEST_STRIDE,) if self.task == "segmentation" else ("rating",)
        if self.name not in known:
            raise ValueError(
                f"model name: got {self.name!r}, expected one of {', '.join(known)} "
                f"for the task {self.task}"
            )
        if self.classes < 1:
            raise ValueError(f"classes: got {self.classes}, expected at least 1")
        row = self.backbone_row
        self._default("output_stride", 0, self._usual_output_stride())
        self._default("head_width", 0, _usual_head_width(self))
        self._default("dropout", -1.0, 0.5 if row.head == "convolutional" else 0.0)
        if self.output_stride not in row.output_strides:
            raise ValueError(
                f"output_stride of {self.backbone}: got {self.output_stride}, "
                f"expected one of {row.output_strides}"
            )
        if self.logits_stride > self.output_stride:
            raise ValueError(
                f"{self.name} scores at stride {self.logits_stride}, its backbone "
                f"ends at output_stride {self.output_stride}: use a larger one"
            )

    def _default(self, field: str, unset: float, value: float) -> None:
        if getattr(self, field) == unset:
            object.__setattr__(self, field, value)

    def _usual_output_stride(self) -> int:
        """The finest stride the backbone offers that the network can use."""
        usable = [
            stride
            for stride in self.backbone_row.output_strides
            if stride >= self.logits_stride
        ]
        return min(usable)

    @property
    def backbone_row(self) -> Backbone:
        """The backbone's row in the table."""
        if self.backbone not in BACKBONES:
            raise ValueError(
                f"backbone: got {self.backbone!r}, expected one of "
                f"{', '.join(BACKBONES)}"
            )
        return BACKBONES[self.backbone]

    @property
    def logits_stride(self) -> int:
        """Pixels between neighbouring logits."""
        return FINEST_STRIDE.get(self.name, RATING_STRIDE)

    @property
    def size_multiple(self) -> int:
        """Sides of a padded input are multiples of this, in pixels."""
        return max(self.output_stride, self.logits_stride)

    @property
    def alignment(self) -> Literal["corner", "center"]:
        """Which pixel a logit sits on: s*j (corner) or s*j + (s-1)/2 (center)."""
        return self.backbone_row.alignment

    @property
    def minimum_side(self) -> int:
        """Smallest side the network accepts, in pixels."""
        return 1

    def to_json(self) -> dict[str, str | int | float]:
        """Returns plain values that `from_json` turns back into this spec."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, str | int | float]) -> Self:
        """Rebuilds a spec written by `to_json`.

        Raises:
            ValueError: A name is unknown to this version.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(
                f"model spec: got unknown {', '.join(unknown)}, expected only "
                f"{', '.join(sorted(known))}; it was written by another version"
            )
        return cls(**values)  # type: ignore[arg-type]


def _usual_head_width(spec: ModelSpec) -> int:
    if spec.task == "aesthetics":
        return 64
    return 4096 if spec.backbone_row.head == "convolutional" else 256
