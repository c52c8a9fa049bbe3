"""The known name that a mistyped one is nearest to."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Returns the known name most like `name`, None where none is; `-` is `_`."""
    words = {word.replace("-", "_"): word for word in known}
    close = difflib.get_close_matches(name.replace("-", "_"), words, n=1)
    return words[close[0]] if close else None
