"""Beam's flags: which are known, and which nobody knows.

`_BeamArgumentParser`, `_add_argparse_args` and argparse's `_option_string_actions` are
private: there is no public way to know Beam's flags. Tests of this module pin them.
"""

from collections.abc import Sequence
from typing import NoReturn

from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser

from fcn_core.nearest import nearest
from pipelines.faults import UsageError


class _Parser(_BeamArgumentParser):
    """Beam's flags; an error is one line, not a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; it is a flag of Beam, see its documentation")


def _beam_parser() -> _Parser:
    parser = _Parser(allow_abbrev=False, add_help=False)
    for options in PipelineOptions.__subclasses__():
        if options.__module__.startswith("apache_beam."):
            options._add_argparse_args(parser)
    return parser


def check_flags(arguments: Sequence[str], *, ours: Sequence[str]) -> None:
    """Refuses what neither the command nor Beam knows.

    Args:
        arguments: What the command's own parser left over.
        ours: The command's own flags.

    Raises:
        UsageError: It names the flag and the nearest one, or the stray word.
    """
    if not arguments:
        return
    parser = _beam_parser()
    _, left = parser.parse_known_args(list(arguments))
    if not left:
        return
    flag = left[0].partition("=")[0]
    if flag.startswith("-"):
        beams = [name for name in parser._option_string_actions if name[:2] == "--"]
        raise UsageError(unknown_flag(flag, [*ours, *beams]))
    raise UsageError(
        f"got {left[0]} after the value of another flag, expected one value a flag; "
        "quote patterns and names with spaces"
    )


def unknown_flag(flag: str, known: Sequence[str]) -> str:
    """Returns the error text about a flag that is not among the known ones."""
    close = nearest(flag, known)
    hint = f"did you mean {close}?" if close else "see --help"
    return f"{flag}: got an unknown flag, expected one of this command's; {hint}"
