"""File name extensions of photos, and of files that look like photos."""

PHOTO_EXTENSIONS = frozenset(
    {
        ".bmp",
        ".gif",
        ".jfif",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".mpo",
        ".png",
        ".tif",
        ".tiff",
        ".webp",
    }
)
"""Extensions whose photos can be scored."""


REFUSED_EXTENSIONS = frozenset(
    {
        ".arw",
        ".avif",
        ".cr2",
        ".cr3",
        ".dng",
        ".heic",
        ".heif",
        ".nef",
        ".orf",
        ".pef",
        ".raf",
        ".rw2",
        ".srw",
    }
)
"""Photos that are not decoded: planned, so that each becomes a row with its cure."""
