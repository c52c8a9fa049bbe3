"""What a training run is asked for; light, so that a command line can show it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from fcn_core.labels import Task
from fcn_core.recipes import names_by_task


class RecipeOverrides(BaseModel):
    """Numbers of a recipe that a run may replace; None keeps the recipe's.

    Names and meanings are those of `recipes.Recipe`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: Annotated[
        int | None, Field(ge=1, description="passes over the photos; default: recipe")
    ] = None
    batch_size: Annotated[
        int | None, Field(ge=1, description="photos a step; default: recipe")
    ] = None
    learning_rate: Annotated[
        float | None,
        Field(gt=0, description="peak of the learning rate; default: recipe"),
    ] = None
    optimizer: Annotated[
        Literal["adamw", "adam", "sgd"] | None,
        Field(description="adamw, adam or sgd; default: recipe"),
    ] = None
    schedule: Annotated[
        Literal["poly", "constant", "step", "plateau"] | None,
        Field(description="poly, constant, step or plateau; default: recipe"),
    ] = None
    freeze: Annotated[
        list[Literal["backbone", "head", "skip", "affinity"]],
        Field(
            description="groups of layers to keep as they are: backbone, head, skip, "
            "affinity"
        ),
    ] = []
    warm_up: Annotated[
        float | None,
        Field(ge=0, description="epochs in which the rate rises; default: recipe"),
    ] = None
    weight_decay: Annotated[
        float | None, Field(ge=0, description="weight decay of adamw; default: recipe")
    ] = None
    average: Annotated[
        float | None,
        Field(
            ge=0,
            lt=1,
            description="decay of the moving average of the weights; default: recipe",
        ),
    ] = None
    blend: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="share of trained in final weights, the rest initial; default: "
            "recipe",
        ),
    ] = None
    label_smoothing: Annotated[
        float | None,
        Field(ge=0, lt=1, description="share of a uniform target; default: recipe"),
    ] = None
    soft_labels: Annotated[
        float | None,
        Field(
            ge=0,
            lt=1,
            description="weight of the initial model's prediction in the target; "
            "default: recipe",
        ),
    ] = None
    jaccard: Annotated[
        float | None,
        Field(
            ge=0,
            le=10,
            description="weight of (1 - soft IoU) beside the cross-entropy; default: "
            "recipe",
        ),
    ] = None
    label_stride: Annotated[
        int | None,
        Field(
            ge=1,
            description="pixels between those that losses look at; default: recipe",
        ),
    ] = None
    class_weights: Annotated[
        Literal["none", "median-frequency"] | None,
        Field(
            description="weights of classes in the loss: none or median-frequency; "
            "default: recipe"
        ),
    ] = None
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        Field(
            description="arithmetic of the layers: float32, bfloat16 or float16, "
            "with float32 weights; default: recipe"
        ),
    ] = None
    accumulate: Annotated[
        int | None,
        Field(
            ge=1,
            description="parts to compute a batch in, to save memory; default: recipe",
        ),
    ] = None
    colour: Annotated[
        float | None,
        Field(ge=0, le=1, description="strength of colour changes; default: recipe"),
    ] = None
    paste: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="share of photos that get objects of another pasted in; "
            "default: recipe",
        ),
    ] = None
    padding_that_scores: Annotated[
        bool | None,
        Field(description="pad crops the way scoring pads; default: recipe"),
    ] = None


class TrainingConfig(RecipeOverrides):
    """Everything a run depends on, besides the recipe's own numbers."""

    task: Annotated[Task, Field(description="what to train")]
    data: Annotated[Path, Field(description="a finished folder of fcn convert")]
    recipe: Annotated[
        str,
        Field(
            description="a recipe, or a family of them; "
            + "; ".join(
                f"{task}: {', '.join(n)}" for task, n in names_by_task().items()
            )
        ),
    ]
    output: Annotated[Path, Field(description="run folder: new, or one to resume")]
    init: Annotated[
        str | None,
        Field(
            description="initial weights: random, imagenet, an .npz, .h5 or .tflite "
            "file, a run, a bundle or a built-in model; default: recipe"
        ),
    ] = None
    resume: Annotated[
        bool, Field(description="resume after the last finished epoch of --output")
    ] = False
    seed: Annotated[
        int, Field(ge=0, description="seed of weights, order and crops")
    ] = 1
    train_split: Annotated[str, Field(description="split to learn from")] = "train"
    holdout: Annotated[
        float,
        Field(
            ge=0, lt=1, description="share of train_split kept to choose the epoch with"
        ),
    ] = 0.0
    validation_split: Annotated[
        str | None,
        Field(description="split to choose the epoch with, instead of a holdout"),
    ] = None
    evaluation_split: Annotated[
        str | None,
        Field(description="split to measure the final model on, once, or none"),
    ] = "val"
    allow_leak: Annotated[
        bool,
        Field(description="let the splits share photos; figures come out too good"),
    ] = False
    threads: Annotated[
        int, Field(ge=0, description="TensorFlow's threads; 0: all cores it may use")
    ] = 0
    devices: Annotated[
        int,
        Field(ge=0, description="GPUs to share each batch; 0: all there are"),
    ] = 0

    @field_validator("validation_split", "evaluation_split")
    @classmethod
    def _none_is_none(cls, split: str | None) -> str | None:
        return None if split == "none" else split
