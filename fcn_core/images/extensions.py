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
        ".3fr",
        ".arw",
        ".avif",
        ".avifs",
        ".cr2",
        ".cr3",
        ".crw",
        ".dcr",
        ".dng",
        ".erf",
        ".fff",
        ".heic",
        ".heics",
        ".heif",
        ".heifs",
        ".hif",
        ".iiq",
        ".j2c",
        ".j2k",
        ".jp2",
        ".jpf",
        ".jpx",
        ".jxl",
        ".kdc",
        ".mef",
        ".mos",
        ".mrw",
        ".nef",
        ".nrw",
        ".orf",
        ".pef",
        ".psb",
        ".psd",
        ".raf",
        ".rw2",
        ".rwl",
        ".sr2",
        ".srf",
        ".srw",
        ".x3f",
    }
)
"""Photos that are not decoded: planned, so that each becomes a row with its cure."""
