"""A model that reads its answer out of the photo, in the process that asks.

A photo begins as a JPEG does and goes on with JSON: what it shall be rated and which
classes it shall show. For tests of hundreds of nights, which are not about pixels.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jinja2
import pytest

from fcn_core.bad_image import BadImage
from fcn_core.scoring import PhotoScore
from pipelines.chunks.attempt import Attempt
from pipelines.chunks.counts import Counts
from pipelines.chunks.job import ChunkJob
from pipelines.faults import SystemicFault
from pipelines.lanes import lane
from pipelines.lanes.messages import Answer, Header, Request
from pipelines.lanes.settings import LaneSettings
from pipelines.runners import launch
from pipelines.runners.engine import Engine

_JPEG = b"\xff\xd8\xff"
_PIXELS = 10_000


def photo(
    number: int,
    *,
    aesthetics: float = 5.3,
    technical: float = 5.8,
    shown: Sequence[int] = (15,),
    bad: bool = False,
) -> bytes:
    """Returns a photo.

    Args:
        number: Makes it unlike all others.
        aesthetics: What it is rated.
        technical: Likewise.
        shown: Classes that it shows besides the background, the largest first.
        bad: Whether it cannot be decoded.
    """
    content = {"n": number, "a": aesthetics, "t": technical, "c": list(shown)}
    return (b"no photo" if bad else _JPEG) + json.dumps(content).encode()


@dataclasses.dataclass
class Machine:
    """What is wrong with the machine that scores.

    Attributes:
        drift: Added to every rating: another library, a broken model.
        dies_after: Photos until a fault that is not one photo's; None: none.
        scored: Photos that were scored, each as its model's tasks and its bytes' hash.
    """

    drift: float = 0.0
    dies_after: int | None = None
    scored: list[str] = dataclasses.field(default_factory=list)

    def score(self, data: bytes, tasks: Sequence[str]) -> PhotoScore:
        """Returns the score of a photo."""
        if self.dies_after is not None:
            if self.dies_after == 0:
                raise SystemicFault("the model m is gone; bring it back")
            self.dies_after -= 1
        if not data.startswith(_JPEG):
            raise BadImage("corrupt", "no JPEG", stage="decode")
        content = json.loads(data.removeprefix(_JPEG))
        score: dict[str, Any] = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "height": 100,
            "width": 100,
        }
        for task in ("aesthetics", "technical"):
            if task in tasks:
                score |= _rated(task, content[task[0]] + self.drift)
        if "voc21" in tasks:
            score |= _segmented(content["c"])
        self.scored.append(f"{'+'.join(sorted(tasks))} {score['sha256']}")
        return PhotoScore(**score)


def _rated(task: str, mean: float) -> dict[str, Any]:
    mean = min(max(mean, 1.0), 10.0)
    shares = tuple(float(bin_ == round(mean)) for bin_ in range(1, 11))
    return {f"{task}_ratings": shares, f"{task}_mean": mean, f"{task}_std": 1.0}


def _segmented(shown: Sequence[int]) -> dict[str, Any]:
    pixels, left = [0] * 21, _PIXELS
    for class_id in shown:
        left //= 2
        pixels[class_id] += left
    pixels[0] = _PIXELS - sum(pixels)
    dominant = shown[0] if shown else 0
    return {"class_pixels": tuple(pixels), "dominant_class": dominant}


_TASKS = {"quality": "technical", "aesthetics": "aesthetics", "voc21": "voc21"}


class _StubLane:
    """A lane as `lanes.lane` uses `LaneProcess`, without a process."""

    alive = True
    machine = Machine()

    def __init__(self, settings: LaneSettings, kernel_kills: Callable[[], int]):
        del kernel_kills
        models = settings.config.get("models", [])
        self._tasks = [_TASKS[model["name"]] for model in models]

    def call(self, request: Request, *, alone: bool = False) -> Answer:
        del alone
        try:
            if not self._tasks:
                raise BadImage("corrupt", "no pixels for a page", stage="decode")
            score = self.machine.score(request.blobs[0], self._tasks)
        except BadImage as bad:
            return Answer(bad=bad)
        values: Header = dataclasses.asdict(score)
        values.pop("mask_png")
        return Answer(reply=values)

    def close(self) -> None:
        """Nothing is open."""


def _run_here(job: ChunkJob, engine: Engine, attempt: Attempt) -> str | None:
    """Runs a job as the graph would, without Beam: chunks, counts, finish."""
    del engine
    total = Counts()
    for counts in job.worker.process(range(job.chunks), attempt):
        total += counts
    job.finish(total, attempt)
    return None


def _compiled_once() -> Callable[..., Any]:
    """Returns what compiles each template of a page once, however many nights."""
    compiled: dict[tuple[object, ...], Any] = {}
    compile_one: Any = jinja2.Environment.compile

    def compile_once(environment: jinja2.Environment, *what: object) -> Any:
        if what not in compiled:
            compiled[what] = compile_one(environment, *what)
        return compiled[what]

    return compile_once


@contextmanager
def stub(*, beam: bool = False) -> Iterator[Machine]:
    """Has every night of this process scored by a stub while the block runs.

    Args:
        beam: Whether Beam runs the graph; its start takes a second.
    """
    with pytest.MonkeyPatch.context() as patch:
        machine = Machine()
        patch.setattr(_StubLane, "machine", machine)
        patch.setattr(lane, "LaneProcess", _StubLane)
        if not beam:
            patch.setattr(launch, "run", _run_here)
        patch.setattr(jinja2.Environment, "compile", _compiled_once())
        yield machine
