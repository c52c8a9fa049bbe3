"""Stand-in until the watchers are there."""

from pydantic import BaseModel, ConfigDict

from pipelines.nightly.outcome import Outcome


class WatcherSettings(BaseModel):
    """Nobody watches yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def tell(watchers: WatcherSettings, outcome: Outcome) -> None:
    """Does nothing yet."""
    del watchers, outcome
