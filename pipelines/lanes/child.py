"""A lane: a killable child process that touches pixels so that the worker need not.

It reads messages from its standard input, of one request or of several small ones, and
answers each on its standard output. What it does with a request is its task, named
`module:Class` by the first message. A photo that crashes, hangs or swells takes down
its lane, never the worker. `lanes.pool` owns the lanes and decides what a death means;
`lanes.messages` is how they talk.
"""

import contextlib
import ctypes
import importlib
import itertools
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from fcn_core.bad_image import BadImage
from pipelines.lanes.budget import Budget, Unlimited
from pipelines.lanes.memory import MemoryLimit
from pipelines.lanes.messages import Header, read_message, write_message

_PR_SET_PDEATHSIG = 1


class Task(Protocol):
    """What a lane does: built once from its settings, then called per request."""

    def __call__(
        self, header: Header, blobs: Sequence[bytes]
    ) -> tuple[Header, list[bytes]]:
        """Answers one request.

        Raises:
            BadImage: Why this request cannot be answered.
        """


def _load(task: str) -> Callable[[Header], Task]:
    module, _, name = task.partition(":")
    return getattr(importlib.import_module(module), name)


def _end_with_parent() -> None:
    """Has the kernel kill this process when the thread that started it is gone.

    Standard input ends then, too, but only a lane between two requests looks there.
    """
    with contextlib.suppress(OSError, AttributeError):  # no Linux: no such call
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _detach() -> None:
    """Makes this process the one to die first, and leaves no core file behind."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _reply(
    task: Task, message: tuple[Header, list[bytes]], budget: Budget | Unlimited
) -> tuple[Header, list[bytes]]:
    """Answers the requests of a message; without an answer to one, to none of them."""
    envelope, blobs = message
    asked, answers, found = iter(blobs), list[tuple[Header, int]](), list[bytes]()
    try:
        # One budget for all of them: small ones need far less, and where it does not
        # suffice each is asked for alone.
        budget.arm(alone=envelope["alone"])
        for header, count in envelope["tasks"]:
            own = list(itertools.islice(asked, count))
            answer, more = _answer(task, header, own)
            if "reply" not in answer and "bad" not in answer:
                return answer, []
            answers.append((answer, len(more)))
            found += more
    finally:
        budget.disarm()
    return {"answers": answers, "replace": budget.is_lane_spent()}, found


def _answer(
    task: Task, header: Header, blobs: Sequence[bytes]
) -> tuple[Header, list[bytes]]:
    try:
        reply, reply_blobs = task(header, blobs)
    except BadImage as bad:
        if bad.reason == "out-of-memory":  # a decoder that catches its MemoryError
            return {"out_of_memory": True}, []
        verdict = {"stage": bad.stage, "reason": bad.reason, "detail": bad.detail}
        return {"bad": verdict}, []
    except MemoryError:
        return {"out_of_memory": True}, []
    except Exception as error:
        # Bad data is a BadImage; what is left is bad code or a bad model.
        return {"fault": f"{error}" or type(error).__name__}, []
    return {"reply": reply}, reply_blobs


def serve(requests: BinaryIO, replies: int) -> None:
    """Answers requests until the stream ends.

    Args:
        requests: Stream to read from.
        replies: Descriptor to write to.
    """
    first = read_message(requests)
    if first is None:
        return
    settings, _ = first
    limit = MemoryLimit.find()
    try:
        task = _load(settings["task"])(settings["config"])
    except Exception as error:
        write_message(replies, {"fault": f"{error}" or type(error).__name__}, [])
        return
    is_limited = settings["memory_bytes"] is not None
    budget = Budget(settings, limit) if is_limited else Unlimited()
    write_message(replies, {"ready": True}, [])
    while (message := read_message(requests)) is not None:
        write_message(replies, *_reply(task, message, budget))


def main() -> None:
    """Runs a lane on standard input and output."""
    _end_with_parent()
    _detach()
    # Native libraries print to descriptor 1; replies go where they cannot reach.
    replies = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
