"""What `run.json` holds: declared once, for what writes it and for all that read it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, JsonValue

from fcn_core.models.spec import ModelSpec
from fcn_core.training.config import TrainingConfig


@dataclass(frozen=True)
class Origin:
    """Whose work weights are.

    Attributes:
        words: A sentence without its end, for a card; empty: nobody's before the run.
        licence: Of the weights.
    """

    words: str
    licence: str


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RunSettings(_Entry):
    """Everything that decides a run's numbers, without any folder's name.

    Attributes:
        recipe: Its name.
        numbers: The recipe's own, after what the config overrides.
        init: What `InitialWeights.describe` returned.
        model: The network, as `ModelSpec.to_json` writes it.
        seed: Of weights, order and crops.
        holdout: Share of the training split that chooses the epoch.
        train_split: Its name, like the next.
        validation_split: None where no split of its own chooses the epoch.
        data: Name of the data set.
        data_fingerprint: Of its shards.
        classes: Names by id; None for ratings.
    """

    recipe: str
    numbers: dict[str, Any]  # of many types, checked by the recipe
    init: str
    model: dict[str, Any]  # likewise, checked by `ModelSpec`
    seed: int
    holdout: float
    train_split: str
    validation_split: str | None
    data: str
    data_fingerprint: str
    classes: list[str] | None

    @property
    def spec(self) -> ModelSpec:
        """The network that comes out of the run."""
        return ModelSpec.from_json(self.model)

    def differences(self, other: Self) -> dict[str, tuple[Any, Any]]:
        """Returns name -> (value here, value there) of what differs, sorted by name."""
        mine, theirs = _flat(self.model_dump()), _flat(other.model_dump())
        return {
            name: (mine.get(name), theirs.get(name))
            for name in sorted(mine.keys() | theirs.keys())
            if mine.get(name) != theirs.get(name)
        }


class FormerSession(_Entry):
    """What computed an earlier session of a run, where it was something else."""

    until_epoch: int
    versions: dict[str, str]
    device: str


class Measured(_Entry):
    """What the final weights were measured on; no split: they were not."""

    split: str | None
    images: int


class RunRecord(_Entry):
    """The content of `run.json`, which grows as the run goes on.

    Attributes:
        settings: What decides the run's numbers.
        epochs_done: The last epoch whose state is complete.
        seconds: Training time of these epochs.
        new_layers: Layers that the initial weights had nothing for.
        about: What the recipe is, in one line.
        origin: Whose work the initial weights are.
        config: What was asked for when the run began.
        versions: Versions of the packages that compute, by name.
        device: Kind of device that computes.
        former_sessions: What computed before these.
        examples: Examples trained on.
        chosen_epoch: The epoch whose weights are the result, once it is finished.
        metrics: Scores of the final weights, by name.
        evaluation: What they were measured on.
    """

    settings: RunSettings
    epochs_done: int = 0
    seconds: float = 0.0
    new_layers: list[str]
    about: str
    origin: Origin
    config: TrainingConfig
    versions: dict[str, str] = {}
    device: str = ""
    former_sessions: list[FormerSession] = []
    examples: int = 0
    chosen_epoch: int | None = None
    metrics: dict[str, float] = {}
    evaluation: Measured = Measured(split=None, images=0)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a record.

        Raises:
            ValueError: It is none.
        """
        return cls.model_validate(json.loads(text))

    def to_json(self) -> str:
        """Returns what has been noted so far, in the order of the attributes."""
        values = self.model_dump(mode="json", exclude_unset=True)
        return json.dumps(values, indent=2) + "\n"

    def noted(self, values: Mapping[str, object]) -> Self:
        """Returns the record with some values set."""
        before = {name: getattr(self, name) for name in self.model_fields_set}
        return self.model_validate({**before, **values})


def _flat(values: dict[str, JsonValue], prefix: str = "") -> dict[str, JsonValue]:
    """Puts nested names and values side by side, so that one number can be named."""
    flat: dict[str, JsonValue] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
