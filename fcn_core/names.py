"""Names of files as people compare them.

Unicode has two ways to write an accented letter, composed (NFC) and decomposed (NFD).
macOS and archives made there use the second, most else the first; file systems take
them for two names.
"""

import unicodedata


def composed(text: str) -> str:
    """Returns a name in NFC, the form in which names are compared."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def stem(path: str) -> str:
    """Returns a relative path without its extension, composed."""
    folder, separator, name = composed(path).rpartition("/")
    return folder + separator + (name.rpartition(".")[0] or name)
