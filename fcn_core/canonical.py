"""Content as JSON: one canonical form to hash, one readable form for files."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical_json(content: Mapping[str, Any]) -> bytes:
    """Returns content as JSON to be hashed: keys sorted, no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def content_sha256(content: Mapping[str, Any]) -> str:
    """Returns the sha256 of content in hex, whatever the order of its keys."""
    return hashlib.sha256(canonical_json(content)).hexdigest()


def readable_json(content: Mapping[str, Any]) -> bytes:
    """Returns content as a JSON file for people: one value a line, keys in order."""
    return (json.dumps(content, indent=1) + "\n").encode()
