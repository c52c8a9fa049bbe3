r"""Values in the files of schedulers: each has its own marks that must not be read.

systemd replaces `%` and `$`, and its words are like C's; cron ends a command at `%` and
gives the rest to sh; YAML and JSON read JSON's texts.
"""

import json
import shlex

from pipelines.faults import UsageError


def systemd_path(path: str) -> str:
    """Returns a path as the whole value of a setting, such as `WorkingDirectory=`."""
    return path.replace("%", "%%")


def systemd_program(path: str) -> str:
    """Returns the program of `ExecStart=`; `$` means nothing in it, but `%` does."""
    return _quoted(path.replace("%", "%%"))


def systemd_word(word: str) -> str:
    """Returns an argument of `ExecStart=`."""
    return _quoted(word.replace("%", "%%").replace("$", "$$"))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def cron_word(word: str) -> str:
    """Returns an argument of a command in a crontab.

    Raises:
        UsageError: It has a backslash, of which each cron makes something else.
    """
    if "\\" in word:
        raise UsageError(
            f"fcn schedule cron: got {word!r}, expected no backslash: each cron reads "
            "it in another way; choose another name, or systemd"
        )
    return shlex.quote(word).replace("%", "\\%")


def shell_word(word: str) -> str:
    """Returns an argument of a command for a shell."""
    return shlex.quote(word)


def json_text(value: object) -> str:
    """Returns a value as JSON, which YAML reads as well."""
    return json.dumps(value, ensure_ascii=True)


def kubernetes_text(text: str) -> str:
    """Returns a word of a container's command, where `$(NAME)` would be replaced."""
    return json_text(text.replace("$(", "$$("))


def python_text(value: object) -> str:
    """Returns a text or a list of texts as Python source, in ASCII."""
    return ascii(value)
