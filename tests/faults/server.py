"""A process that has everything imported and forks a child for each command.

Started with the library of `shim` loaded. Reads a JSON object a line and answers each
with one: `start` forks a child that runs `fcn` as `main(words)`, armed with a fault;
`wait` tells how a child ended or that it is stopped. It has one thread, so a fork is
whole; what the child does after it is what a process of its own would do.
"""

import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

_PR_SET_PDEATHSIG: Final = 1
_POLL_SECONDS: Final = 0.002


def serve(requests: int, replies: int) -> None:
    """Answers until the requests end.

    Args:
        requests: Descriptor to read from.
        replies: Descriptor to write to.
    """
    with os.fdopen(requests, "r") as lines:
        for line in lines:
            request = json.loads(line)
            act = {"start": _start, "wait": _wait, "import": _import}[request["do"]]
            os.write(replies, json.dumps(act(request)).encode() + b"\n")


def _import(request: dict[str, Any]) -> dict[str, Any]:
    """Imports modules that a first child was seen to need."""
    for name in request["names"]:
        with suppress(Exception):
            importlib.import_module(name)
    _compile_templates()
    gc.collect()
    gc.freeze()
    return {"threads": len(list(Path("/proc/self/task").iterdir()))}


def _compile_templates() -> None:
    """Compiles the pages' templates here: every child would do it again."""
    import jinja2

    from pipelines.pages import page

    compiled: dict[tuple[object, ...], Any] = {}
    compile_one: Any = jinja2.Environment.compile

    def compile_once(environment: jinja2.Environment, *what: object) -> Any:
        if what not in compiled:
            compiled[what] = compile_one(environment, *what)
        return compiled[what]

    jinja2.Environment.compile = compile_once  # type: ignore[method-assign, assignment]
    for path in Path(page.__file__).with_name("templates").glob("*.j2"):
        with suppress(jinja2.TemplateError, AttributeError):
            page._environment().get_template(path.name)


def _start(request: dict[str, Any]) -> dict[str, Any]:
    parent = os.getpid()
    if (pid := os.fork()) == 0:
        _child(request, parent)
    return {"pid": pid}


def _wait(request: dict[str, Any]) -> dict[str, Any]:
    """Returns the status of a child that ended or stopped; None: neither in time."""
    deadline = time.monotonic() + request["seconds"]
    while True:
        pid, status = os.waitpid(request["pid"], os.WNOHANG | os.WUNTRACED)
        if pid:
            return {"status": status}
        if time.monotonic() > deadline:
            return {"status": None}
        time.sleep(_POLL_SECONDS)


def _child(request: dict[str, Any], parent: int) -> NoReturn:
    code = 70
    try:
        # As the lanes: nothing outlives the tests, also where they are killed.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(code)
        _redirect(request)
        code = _run(request)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _redirect(request: dict[str, Any]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for target, name in ((1, request["stdout"]), (2, request["stderr"])):
        descriptor = os.open(name, flags)
        os.dup2(descriptor, target)
        os.close(descriptor)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.closerange(3, 300)


def _run(request: dict[str, Any]) -> int:
    from pipelines.cli.main import main
    from tests.faults import lanes, shim

    if request["inline"]:
        lanes.install()
    gc.disable()  # a command is short; a third of its time would go into collecting
    fault = shim.Fault(**request["fault"])
    shim.arm(request["root"], fault, log=request["log"], data=request["data"])
    code = main(request["words"])
    if request["modules"]:
        Path(request["modules"]).write_text(json.dumps(list(sys.modules)))
    return code


def _preload() -> None:
    for name in (
        "apache_beam",
        "pyarrow.parquet",
        "pyarrow.dataset",
        "pipelines.cli.score",
        "pipelines.cli.nights",
        "pipelines.cli.convert",
        "tests.faults.lanes",
        "tests.faults.shim",
    ):
        importlib.import_module(name)


if __name__ == "__main__":
    os.environ.pop("LD_PRELOAD", None)  # lanes are not counted
    standard_output = os.dup(1)
    os.dup2(2, 1)
    _preload()
    serve(os.dup(0), standard_output)
