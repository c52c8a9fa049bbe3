"""The file that `fcn nightly --init` writes: every key, what it means, its default."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipelines.nightly.config import NightlyConfig
from pipelines.nightly.job import SCORE_KEYS, Job
from pipelines.score.config import ScoreConfig
from pipelines.score.gate_settings import GateSettings

_HEAD: Final = """\
# What fcn nightly does, every night. docs/nightly.md explains each key.
# A line that begins with "# " and a key shows the key's default.
# Several outputs: a list under `jobs:`, each with its own input and output; what
# stands above it is shared.
"""


def text(given: Mapping[str, str]) -> str:
    """Returns a commented file.

    Args:
        given: Keys and their values; input and output at least.
    """
    lines = [_HEAD]
    for name in ("input", "output"):
        lines += _entry(name, Job.model_fields[name], given)
    lines += _entry("run_date", NightlyConfig.model_fields["run_date"], given)
    lines += _entry("timezone", ScoreConfig.model_fields["timezone"], given)
    for name in SCORE_KEYS:
        if name != "timezone":
            lines += _entry(name, ScoreConfig.model_fields[name], given)
    for name in ("look_back", "canaries"):
        lines += _entry(name, Job.model_fields[name], given)
    lines += _section("gates", "when a night is not published", GateSettings)
    lines += _comment(f"{Job.model_fields['beam'].description}; docs/dataflow.md")
    lines += ["# beam: {}", ""]
    watchers = NightlyConfig.model_fields["watchers"]
    lines += _comment(f"{watchers.description}; docs/nightly.md")
    lines += ["# watchers: {}"]
    return "\n".join(lines) + "\n"


def _section(name: str, what: str, model: type[BaseModel]) -> Iterator[str]:
    yield from _comment(f"{name}: {what}")
    yield f"# {name}:"
    for key, field in model.model_fields.items():
        for line in _comment(str(field.description), width=80):
            yield f"#   {line}"
        yield f"#   {_pair(key, field.get_default(call_default_factory=True))}"
    yield ""


def _entry(name: str, field: FieldInfo, given: Mapping[str, str]) -> Iterator[str]:
    yield from _comment(str(field.description))
    if name in given:
        yield _pair(name, given[name])
    else:
        yield f"# {_pair(name, field.get_default(call_default_factory=True))}"
    yield ""


def _comment(words: str, width: int = 86) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(words, width, break_on_hyphens=False)]


def _pair(name: str, value: Any) -> str:
    """Returns a line of YAML."""
    dumped: str = yaml.safe_dump(value, default_flow_style=True, width=1000)
    return f"{name}: {dumped.strip().removesuffix('...').strip()}"
