"""Writing the pins of canaries: what their photos come to now."""

from collections.abc import Iterator
from typing import Final

import yaml

from pipelines import files
from pipelines.chunks.attempt import Attempt
from pipelines.faults import UsageError
from pipelines.lanes.pool import pool_of
from pipelines.nightly.job import DAY, Job
from pipelines.score import canaries, inputs, nights
from pipelines.score.lanes import lanes_for
from pipelines.score.models import Model

_HEAD: Final = """\
# The results of the photos in this folder, pinned: fcn nightly scores them before each
# night, and does not begin it where they come to anything else. Models: {models}
# Written by fcn nightly --pin_canaries; look at the numbers before you trust them.
"""


def write(job: Job) -> str:
    """Scores the photos of a job's canaries and writes their pins anew.

    Returns:
        The file's URI.

    Raises:
        UsageError: The job has no canaries, or one of them has no score.
    """
    if job.canaries is None:
        raise UsageError(
            f"--pin_canaries: got no canaries of {job.label}, expected their folder "
            "under the key canaries; add it to the configuration"
        )
    models, settings, _ = nights.resolve(job.score_config(DAY))
    found = list(canaries.photos(job.canaries, _names(job.canaries)))
    lanes = lanes_for(models, settings, lanes=1)
    with Attempt() as attempt:
        scores = canaries.ask(pool_of(attempt, lanes), found)
    names, pins = _class_names(models), dict[str, object]()
    for name, score in sorted(scores.items()):
        if isinstance(score, str):
            raise UsageError(
                f"--pin_canaries: got {score} for {name}, expected a photo that can be "
                "scored; take it out of the folder"
            )
        pins[name] = canaries.pin_of(score, names).model_dump(exclude_defaults=True)
    labels = ", ".join(model.card.label for model in models)
    text = _HEAD.format(models=labels) + yaml.safe_dump({"photos": pins})
    uri = files.join(files.to_uri(job.canaries), canaries.NAME)
    files.write_atomically(uri, text.encode())
    return uri


def _names(folder: str) -> list[str]:
    """Returns the names of the photos in a folder, not of those below it."""
    uri = files.to_uri(folder)
    listing = inputs.list_photos(uri, output=files.join(uri, "_no_output"))
    return sorted(_below(uri, listing))


def _below(folder: str, listing: inputs.Listing) -> Iterator[str]:
    for table in listing.photos.tables():
        for uri in table["image_uri"].to_pylist():
            yield uri.removeprefix(f"{folder}/")


def _class_names(models: tuple[Model, ...]) -> dict[int, str]:
    parts = [part for model in models for part in model.card.parts if part.classes]
    return dict(enumerate(parts[0].classes or ())) if parts else {}
