"""What a training run is asked for; light, so that a command line can show it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainingConfig(BaseModel):
    """Everything a run depends on, besides the recipe's own numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Annotated[
        Literal["segmentation", "aesthetics"], Field(description="what to train")
    ]
    data: Annotated[
        Path, Field(description="finished TFRecord folder, as `fcn convert` writes it")
    ]
    recipe: Annotated[str, Field(description="name of a training recipe")]
    output: Annotated[Path, Field(description="run folder, new or to be resumed")]
    init: Annotated[
        str | None,
        Field(description="initial weights: imagenet, an .npz or .h5 file, or a run"),
    ] = None
    resume: Annotated[
        bool, Field(description="go on after the last finished epoch of the output")
    ] = False
    epochs: Annotated[
        int | None, Field(ge=1, description="passes over the photos; default: recipe")
    ] = None
    batch_size: Annotated[
        int | None, Field(ge=1, description="examples a step; default: recipe")
    ] = None
    learning_rate: Annotated[
        float | None, Field(gt=0, description="base rate; default: recipe")
    ] = None
    seed: Annotated[int, Field(ge=0, description="of weights, order and crops")] = 1
    train_split: Annotated[str, Field(description="split to learn from")] = "train"
    holdout: Annotated[
        float,
        Field(ge=0, lt=1, description="share of it kept to pick the best epoch with"),
    ] = 0.0
    evaluation_split: Annotated[
        str | None,
        Field(description="split to measure the final model on, once"),
    ] = "val"
    threads: Annotated[
        int, Field(ge=0, description="TensorFlow's threads; 0: all cores")
    ] = 0
