"""Why a photo cannot be used: the closed list of reasons and the exception.

A reason is a value that ends in a column of the scores table, so the list is closed
and part of the decode policy. Systemic faults (a full disk, a missing model, no right
to read the bucket) are never reasons: they raise and stop the job.
"""

import re
from typing import Final

TRANSIENT_REASONS: Final[frozenset[str]] = frozenset(
    {
        "io-error",
        "timeout",
        "out-of-memory",
        "decoder-crash",
        "changed-while-reading",
    }
)
"""Reasons that may be gone tomorrow: such photos are tried again on later nights."""

REASONS: Final[frozenset[str]] = TRANSIENT_REASONS | frozenset(
    {
        # what the bytes are
        "empty",
        "not-an-image",
        "unsupported-format",
        "unsupported-variant",
        "bad-header",
        "zero-size",
        "corrupt",
        "corrupt-strict",
        "checksum-mismatch",
        # limits
        "too-many-bytes",
        "too-many-pixels",
        "extreme-aspect",
        "too-many-scans",
        # where the bytes are
        "not-a-regular-file",
        "outside-root",
        "bad-name",
        "vanished",
        "permission-denied",
        # the model's answer
        "inference-error",
    }
)
"""All reasons. `corrupt-strict`: other programs show such a file, with wrong pixels;
`checksum-mismatch`: the bytes are not the ones that the store has a checksum of."""

STAGES: Final[frozenset[str]] = frozenset({"read", "decode", "score"})

_DETAIL_LENGTH: Final = 200

# Decoder messages carry object addresses and, now and then, paths. Both differ between
# two runs or reveal what does not belong in a table.
_REDACTIONS: Final = (
    (re.compile(r"<[\w.]+ object at 0x[0-9a-fA-F]+>"), "the data"),
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "0x..."),
    (re.compile(r"file://[^\s'\"]+"), "<path>"),
    (re.compile(r"(['\"])(?:~?/|[A-Za-z]:[\\/])[^'\"]*\1"), "<path>"),
    (re.compile(r"(?<![\w:/.>])~?/[\w.+@%-]+(?:/[\w.+@%-]*)*"), "<path>"),
    (re.compile(r"\b[A-Za-z]:\\[^\s'\"]+"), "<path>"),
)


class BadImage(Exception):
    """One photo cannot be used, and this is why.

    Attributes:
        reason: One of `REASONS`.
        detail: What was wrong and what helps, at most 200 printable ASCII characters;
            free of addresses, local paths and tracebacks.
        stage: "read", "decode" or "score".

    Raises:
        ValueError: The reason or stage is not in its closed list.
    """

    def __init__(self, reason: str, detail: str, *, stage: str = "decode") -> None:
        if reason not in REASONS:
            raise ValueError(
                f"reason is {reason!r}, expected one of {sorted(REASONS)}; "
                "a new reason is a new decode policy"
            )
        if stage not in STAGES:
            raise ValueError(
                f"stage is {stage!r}, expected one of {sorted(STAGES)}; "
                "correct the call"
            )
        self.reason = reason
        self.detail = clean_detail(detail)
        self.stage = stage
        super().__init__(f"{self.reason}: {self.detail}")

    def __reduce__(self) -> tuple[object, ...]:
        # Crosses process borders; the default would lose the stage.
        return _rebuild, (self.reason, self.detail, self.stage)


def clean_detail(text: str) -> str:
    """Returns a message as one line of at most 200 printable ASCII characters.

    Of a traceback only the last line stays; addresses and local paths are replaced.
    """
    # Nobody's message is that long; redaction must not work through megabytes.
    text = text[-4096:] if "Traceback (most recent call last)" in text else text[:4096]
    if "Traceback (most recent call last)" in text or '\n  File "' in text:
        text = text.strip().rsplit("\n", 1)[-1]
    text = re.sub(r"\s+", " ", text).strip()
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    text = "".join(c if " " <= c <= "~" else "?" for c in text)
    if len(text) > _DETAIL_LENGTH:
        text = text[: _DETAIL_LENGTH - 3] + "..."
    return text


def _rebuild(reason: str, detail: str, stage: str) -> BadImage:
    return BadImage(reason, detail, stage=stage)
