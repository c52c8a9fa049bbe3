"""Canaries: photos whose results are pinned, scored before a night costs anything.

Every process that scores a night first scores them in its own lanes. So a wrong model,
library or machine stops the night where it would do harm, on any engine.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fcn_core.labels import RATING_TASKS, RatingTask
from fcn_core.scoring import PhotoScore
from pipelines import files
from pipelines.chunks.finish import Refusal
from pipelines.faults import AboveThreshold, UsageError
from pipelines.lanes.messages import Answer, Request
from pipelines.lanes.pool import Answering
from pipelines.score.gate_settings import GateSettings
from pipelines.score.plan import PlannedNight

NAME: Final = "canaries.yaml"
"""The file of the pins, beside their photos."""

MOST_BYTES: Final = 4 << 20
"""Of all canaries together: they travel with the job."""


class Pin(BaseModel):
    """What a canary must come to.

    Attributes:
        classes: Class name or id -> share of the pixels; None: no masks are made.
        means: Task -> mean rating.
    """

    model_config = ConfigDict(extra="forbid")

    classes: dict[str, float] | None = None
    means: dict[RatingTask, float] = Field(default={})


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    photos: dict[str, Pin]


@dataclass(frozen=True)
class Canary:
    """A photo and its pin."""

    name: str
    data: bytes
    pin: Pin


def load(folder: str) -> tuple[Canary, ...]:
    """Returns the canaries of a folder.

    Raises:
        UsageError: There is no file of pins, or not what it says.
    """
    uri = files.join(files.to_uri(folder), NAME)
    try:
        read = yaml.safe_load(files.read_bytes(uri))
        pins = _File.model_validate(read).photos
    except FileNotFoundError as error:
        raise UsageError(
            f"canaries: got no {uri}, expected the pins of the photos there; write "
            "them with fcn nightly --pin_canaries"
        ) from error
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        got = " ".join(str(error).split())[:200]
        raise UsageError(
            f"canaries: {uri}: got {got}, expected what fcn nightly --pin_canaries "
            "writes; write it again"
        ) from error
    return tuple(
        Canary(name, data, pins[name]) for name, data in photos(folder, sorted(pins))
    )


def photos(folder: str, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yields photos of a folder and their bytes.

    Raises:
        UsageError: One is missing, there is none, or they are too large.
    """
    total = 0
    for name in names:
        uri = files.join(files.to_uri(folder), name)
        try:
            data = files.read_bytes(uri)
        except FileNotFoundError as error:
            raise UsageError(
                f"canaries: got nothing at {uri}, expected the photo that {NAME} pins; "
                "bring it back, or pin again"
            ) from error
        total += len(data)
        yield name, data
    if not names or total > MOST_BYTES:
        raise UsageError(
            f"canaries: got {len(names)} photos of {total >> 10} KiB in {folder}, "
            f"expected some, of at most {MOST_BYTES >> 10} KiB together; choose others"
        )


def ask(
    pool: Answering, photos: Sequence[tuple[str, bytes]]
) -> dict[str, PhotoScore | str]:
    """Returns the score of each photo, or why it has none."""
    asked = ((name, Request({}, [data], name=name)) for name, data in photos)
    return {name: _score(answer) for name, answer in pool.answer(asked)}


def _score(answer: Answer) -> PhotoScore | str:
    if answer.bad is not None:
        return answer.bad.reason
    return PhotoScore(**answer.reply)


def pin_of(score: PhotoScore, names: Mapping[int, str]) -> Pin:
    """Returns what pins a score.

    Args:
        score: Of a photo.
        names: Class id -> class name; a class without one is pinned by its id.
    """
    return Pin(classes=_shares(score, names), means=_means(score))


def _shares(score: PhotoScore, names: Mapping[int, str]) -> dict[str, float] | None:
    if score.class_pixels is None:
        return None
    total = sum(score.class_pixels)
    shares = {
        names.get(number, str(number)): round(pixels / total, 4)
        for number, pixels in enumerate(score.class_pixels)
    }
    return {name: share for name, share in shares.items() if share}


def _means(score: PhotoScore) -> dict[RatingTask, float]:
    means = {task: getattr(score, f"{task}_mean") for task in RATING_TASKS}
    return {task: round(mean, 3) for task, mean in means.items() if mean is not None}


def differences(
    canary: Canary,
    score: PhotoScore | str,
    *,
    names: Mapping[int, str],
    limits: GateSettings,
) -> list[str]:
    """Returns what is wrong with a canary's score, a sentence each.

    Args:
        canary: The canary.
        score: Its score, or why it has none.
        names: Class id -> class name.
        limits: How far it may be from its pin.
    """
    what = f"canary {canary.name}"
    if isinstance(score, str):
        return [f"{what}: got {score}, expected a score"]
    wrong = []
    means, shares = _means(score), _shares(score, names)
    for task, expected in canary.pin.means.items():
        got = means.get(task)
        if got is None or abs(got - expected) > limits.canary_mean + 1e-9:
            wrong.append(
                f"{what}: {task}_mean: got {got}, expected {expected} within "
                f"{limits.canary_mean:g}"
            )
    if canary.pin.classes is not None and shares is not None:
        every = {*shares, *canary.pin.classes}
        pairs = [(shares.get(n, 0.0), canary.pin.classes.get(n, 0.0)) for n in every]
        moved = sum(abs(got - expected) for got, expected in pairs) / 2
        if moved > limits.canary_share + 1e-9:
            wrong.append(
                f"{what}: got {moved:.1%} of the pixels in other classes, expected at "
                f"most {limits.canary_share:.1%}"
            )
    return wrong


@dataclass(frozen=True)
class Check:
    """The check of canaries. Travels to the workers of a night.

    Attributes:
        canaries: Photos and pins.
        names: Class id -> class name.
        limits: How far a score may be from its pin.
    """

    canaries: tuple[Canary, ...]
    names: Mapping[int, str]
    limits: GateSettings

    def run(self, night: PlannedNight, pool: Answering) -> "Passed":
        """Scores the canaries, unless nothing is left to score.

        Raises:
            AboveThreshold: One is wrong; the night is refused with every reason.
        """
        if len(night.parts.chunks()) >= night.plan.chunks:
            return Passed()
        got = ask(pool, [(each.name, each.data) for each in self.canaries])
        wrong = tuple(
            reason
            for each in self.canaries
            for reason in differences(
                each, got[each.name], names=self.names, limits=self.limits
            )
        )
        if wrong:
            refusal = Refusal(why="; ".join(wrong), failures={}, reasons=wrong)
            files.write_atomically(night.folder.refusal, refusal.encode())
            raise AboveThreshold(
                f"run_date={night.plan.run_date} is not scored: {refusal.why}; find "
                "what changed in the models or the machine, then pin again or pass "
                "--accept REASON to fcn nightly"
            )
        return Passed()


class Passed:
    """The canaries of an attempt are as they should be."""

    def close(self) -> None:
        """Holds nothing."""
