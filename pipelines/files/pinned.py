"""A listed file, and what tells its content from what it may hold later."""

from typing import NamedTuple


class Pinned(NamedTuple):
    """A file as it was when it was listed.

    Attributes:
        uri: The file.
        version: Tells its content from another: the checksum of the store where it
            has one, else size and time; `unknown` where there is none.
        generation: The store's number of this content; None where it has none.
    """

    uri: str
    version: str
    generation: int | None = None


UNKNOWN = "unknown"
"""The version of a file that cannot be asked; reading it later gives the reason."""
