"""The commit of a night: which parts it is made of."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pipelines import files
from pipelines.faults import SystemicFault
from pipelines.score.layout import commit_uri


def commit_bytes(content: Mapping[str, Any]) -> bytes:
    """Returns a commit as a file, with a hash of its content in it."""
    content = {**content, "commit_id": _commit_id(content)}
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _commit_id(content: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in content.items() if name != "commit_id"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def read_commit(out: str, run_date: str) -> dict[str, Any] | None:
    """Returns a night's commit, None while it is open.

    Raises:
        SystemicFault: it is damaged.
    """
    uri = commit_uri(out, run_date)
    try:
        commit = json.loads(files.read_bytes(uri))
        if commit["commit_id"] != _commit_id(commit):
            raise ValueError("another content")
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise SystemicFault(
            f"{uri}: got a damaged commit, expected what this program wrote; restore "
            "it from a copy"
        ) from error
    return commit
