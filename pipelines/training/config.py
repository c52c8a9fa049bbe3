"""Settings of `fcn train`, `fcn export` and `fcn models`."""

import re
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from fcn_core.labels import Task
from fcn_core.training.config import TrainingConfig
from pipelines.settings import POSITIONAL, JobConfig


class ModelsConfig(JobConfig):
    """List built-in models, show or check a model, or import a network of others."""

    command: ClassVar[str] = "fcn models"

    action: Literal["list", "show", "check", "import"] = Field(
        description="list, show, check, or import (see fcn models import --help)",
        json_schema_extra=POSITIONAL,
    )
    name: str | None = Field(
        default=None,
        description="a built-in name or a bundle folder",
        json_schema_extra=POSITIONAL,
    )


class ModelsImportConfig(JobConfig):
    """Turn a network that others trained into a bundle, or into initial weights."""

    command: ClassVar[str] = "fcn models import"

    file: str = Field(
        description="a MatConvNet .mat, a Keras-FCN or NIMA .h5/.hdf5, DeepLab's "
        ".tflite or .npz, or with --backbone a keras.applications file",
        json_schema_extra=POSITIONAL,
    )
    output: str = Field(
        description="the bundle's folder, new or empty; or a new file ending in .npz "
        "for fcn train --init"
    )
    name: str | None = Field(
        default=None, description="the model's name; the file's if unset"
    )
    model_version: str = Field(default="1", description="the model's version")
    max_side: int | None = Field(
        default=None, ge=32, description="working size in pixels; the layout's if unset"
    )
    technical: bool = Field(
        default=False,
        description="its ratings are of technical quality, not of how people like a "
        "photo",
    )
    backbone: str | None = Field(
        default=None, description="the file is this backbone alone, without a head"
    )

    @field_validator("name", "model_version")
    @classmethod
    def _check_labels(cls, value: str | None) -> str | None:
        return check_label(value)


class TrainConfig(JobConfig, TrainingConfig):  # type: ignore[misc]
    """Train a recipe on a finished folder of TFRecords."""

    command: ClassVar[str] = "fcn train"

    task: Task | None = Field(  # type: ignore[assignment]
        default=None,
        description="segmentation or aesthetics; the recipe's own if left out",
        json_schema_extra=POSITIONAL,
    )
    # Texts, since a path has no two slashes in a row.
    data: str = Field(description="a finished folder of fcn convert")  # type: ignore[assignment]
    output: str = Field(description="run folder: new, or one to resume")  # type: ignore[assignment]


class ExportConfig(JobConfig):
    """Turn a training run into a bundle that scores, or give a bundle an int8 form."""

    command: ClassVar[str] = "fcn export"

    model: str = Field(
        description="a run folder of fcn train; with --int8 also a built-in model or a "
        "bundle folder"
    )
    output: str = Field(description="the bundle's folder, new or empty")
    name: str | None = Field(
        default=None, description="the model's name; its recipe's or its own if unset"
    )
    model_version: str | None = Field(
        default=None, description="the model's version; 1 or its own if unset"
    )
    int8: str | None = Field(
        default=None,
        description="add the network in int8, calibrated and measured on this finished "
        "folder of fcn convert; needs nncf: pip install 'fcn[int8]'",
    )
    calibration_split: str = Field(
        default="train", description="split to choose the photos that calibrate from"
    )
    calibration_photos: int = Field(default=120, ge=1, description="how many")
    seed: int = Field(default=0, ge=0, description="chooses which")
    measured_split: str | None = Field(
        default=None,
        description="split to compare int8 with f32 on; if unset val, where there is "
        "one, else what did not calibrate",
    )
    measured_photos: int = Field(default=200, ge=3, description="at most so many")

    @field_validator("name", "model_version")
    @classmethod
    def _check_labels(cls, value: str | None) -> str | None:
        return check_label(value)


def check_label(value: str | None) -> str | None:
    """Refuses what a card cannot have as its model's name or version."""
    from fcn_core.bundles.card import LABEL_PATTERN

    if value is not None and not re.fullmatch(LABEL_PATTERN, value):
        raise ValueError(
            "expected at most 64 letters, digits, dots, dashes and underscores, the "
            "first a letter or digit"
        )
    return value
