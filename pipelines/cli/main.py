"""The `fcn` command: finds the function of a command, and turns its end into a code.

Nothing heavy is imported before a command is chosen: `fcn --help` answers at once.
"""

import atexit
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from pipelines import logs
from pipelines.cli import streams

_COMMANDS = {
    "demo": ("pipelines.cli.demo:demo", "score sample photos and write a page"),
    "score": ("pipelines.cli.score:score", "photos -> masks, scores table, page"),
    "convert": (
        "pipelines.cli.convert:convert",
        "VOC, SBD, AVA or your own -> TFRecords",
    ),
    "stats": (
        "pipelines.cli.stats:stats",
        "validate TFRecords, report what they hold",
    ),
    "train": ("pipelines.cli.train:train", "TFRecords -> a trained model"),
    "evaluate": (
        "pipelines.cli.evaluate:evaluate",
        "a model on a split -> figures and a page",
    ),
    "export": ("pipelines.cli.train:export", "a trained model -> a bundle that scores"),
    "models": ("pipelines.cli.models:models", "list, show, check or import models"),
    "nightly": (
        "pipelines.cli.nightly:nightly",
        "score, judge and publish a night, for a scheduler",
    ),
    "status": ("pipelines.cli.nights:status", "how far the nights of an output are"),
    "report": ("pipelines.cli.nights:report", "write a night's page again"),
    "replay": ("pipelines.cli.score:replay", "score the failed photos again"),
    "voc_submission": (
        "pipelines.cli.voc_submission:voc_submission",
        "masks -> files for Pascal VOC's test server",
    ),
    "discard": ("pipelines.cli.nights:discard", "give up an open night"),
    "check": ("pipelines.cli.check:check", "find damage to an output, and mend it"),
    "diff": ("pipelines.cli.diff:diff", "compare two nights, write a page"),
    "prune": (
        "pipelines.cli.housekeeping:prune",
        "remove old masks by rule, and what was left over",
    ),
    "bigquery": (
        "pipelines.cli.publishing:bigquery",
        "load a night into its partition of a table",
    ),
    "alerts": ("pipelines.cli.publishing:alerts", "alarms for a monitoring system"),
    "schema": ("pipelines.cli.publishing:schema", "schemas of what others read"),
    "estimate": (
        "pipelines.cli.estimate:estimate",
        "hours and costs of a night, before it",
    ),
    "schedule": (
        "pipelines.cli.schedule:schedule",
        "files for systemd, cron, Airflow ...",
    ),
    "doctor": ("pipelines.cli.doctor:doctor", "is all well here, and at the places?"),
    "template": (
        "pipelines.cli.template:template",
        "describe the Flex Template of Dataflow",
    ),
}


_SAME = "run the same command again"
_AGAIN = {"train": f"{_SAME} with --resume"}
"""How an interrupted command is resumed, where it is not simply the same."""


def _usage() -> str:
    width = max(len(name) for name in _COMMANDS)
    lines = [f"  fcn {name:<{width}}  {text}" for name, (_, text) in _COMMANDS.items()]
    return "\n".join(
        [
            "Scores photos with fully convolutional networks: masks and ratings.",
            "",
            *lines,
            "",
            "fcn COMMAND --help lists its flags; fcn --version prints the version.",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code.

    0 ok; 1 failed; 2 usage; 3 finished above a threshold; 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_usage())
        return 0 if words else 2
    if words[0] == "--version":
        from fcn_core import __version__

        print(__version__)
        return 0
    if words[0] not in _COMMANDS:
        print(f"fcn: {_unknown_command(words[0])}", file=sys.stderr)
        return 2
    return _run(words[0], words[1:])


def _unknown_command(word: str) -> str:
    from fcn_core.nearest import nearest

    close = nearest(word, _COMMANDS)
    hint = f"did you mean {close}?" if close else "see fcn --help"
    return f"got {word}, expected a command; {hint}"


def _run(name: str, arguments: list[str]) -> int:
    with logs.lines(name, arguments):
        return _run_command(name, arguments)


def _run_command(name: str, arguments: list[str]) -> int:
    from fcn_core import libraries
    from pipelines.cli.remote_config import fetched_config
    from pipelines.faults import JobFault, of_limits, of_system
    from pipelines.quiet_import import load

    # Quiet before anything imports TensorFlow; a user's own setting wins.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    libraries.keep_keras_from_home()
    try:
        command: Callable[[list[str]], int] = load(_COMMANDS[name][0])
        with fetched_config(arguments):
            return command(arguments)
    except JobFault as fault:
        message = str(fault)
        prefix = "" if message.startswith("fcn ") else "fcn: "
        logs.say(f"{prefix}{message}", "ERROR", exit_code=fault.exit_code)
        return fault.exit_code
    except KeyboardInterrupt:
        again = _AGAIN.get(name, _SAME)
        logs.say(f"fcn: interrupted; {again}", "ERROR", exit_code=130)
        return 130
    except OSError as error:
        logs.say(f"fcn: {of_system(error)}", "ERROR", exit_code=1)
        return 1
    except (MemoryError, RuntimeError) as error:
        if (limit := of_limits(error)) is None:
            raise
        logs.say(f"fcn: {limit}", "ERROR", exit_code=1)
        return 1


def _begin_again_in_utf8() -> None:
    """Replaces this process by one that reads names of files as UTF-8.

    Under a locale of another encoding the names of photos would be other texts, and the
    next night would score them again. What is printed keeps the locale's encoding.
    """
    if sys.getfilesystemencoding() == "utf-8" or "PYTHONUTF8" in os.environ:
        return
    if sys.stdout is not None:
        os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, sys.orig_argv)


def run() -> NoReturn:
    """Runs one command as a process of its own, and ends the process.

    Python's own exit handlers run; those of native libraries do not: with TensorFlow
    loaded, threads that outlive their owners have been seen to abort a process that had
    done its work, and a schedule would take that for a failure.
    """
    _begin_again_in_utf8()
    streams.settle()
    code = main()
    atexit._run_exitfuncs()  # private, and the only way; tests/.../test_main.py pins it
    streams.report_loss()
    os._exit(code)


if __name__ == "__main__":
    run()
