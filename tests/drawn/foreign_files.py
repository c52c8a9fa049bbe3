"""Hostile files that are whole, but no picture of a format that is decoded."""

import gzip
import io
import json
import lzma
import random
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from tests.drawn import image_parts
from tests.drawn.hostile_case import Case, saved


def nothing(rng: random.Random) -> Iterator[Case]:
    yield Case("jpg", b"", "empty", "zero length")
    yield Case("png", b"", "empty", "zero length")
    for length in (1, 2):
        start = b"\xff\xd8"[:length]
        yield Case("jpg", start, "not-an-image", f"the first {length} bytes of a JPEG")
    yield Case("jpg", bytes(4096), "not-an-image", "zeros only")
    yield Case("jpg", b"\xff" * 4096, "not-an-image", "ones only")
    noise = b"\x17" + rng.randbytes(3000)
    yield Case("jpg", noise, "not-an-image", "random bytes")


def _archive(kind: str) -> bytes:
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(zipfile.ZipInfo("photo.jpg"), saved("JPEG"))
    else:
        with tarfile.open(fileobj=file, mode="w") as archive:
            member = tarfile.TarInfo("photo.jpg")
            member.size = len(saved("JPEG"))
            archive.addfile(member, io.BytesIO(saved("JPEG")))
    return file.getvalue()


def other_files(rng: random.Random) -> Iterator[Case]:
    ftyp = b"\0\0\0\x18ftyp%s\0\0\2\0isommp41"
    files = {
        "text": b"BM stands for bitmap, but this is a letter.\n" * 20,
        "text in UTF-16": "\ufeffnot a photo".encode("utf-16-le"),
        "HTML": b"<!DOCTYPE html><title>404 Not Found</title>",
        "JSON": json.dumps({"error": "quota exceeded"}).encode(),
        "XML": b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>",
        "script": b'#!/bin/sh\nrm -rf "$HOME"\n',
        "program (ELF)": b"\x7fELF\2\1\1" + bytes(60),
        "program (PE)": b"MZ\x90\0" + bytes(60),
        "Java class": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(40),
        "PDF": b"%PDF-1.7\n" + bytes(40),
        "ZIP": _archive("zip"),
        "tar": _archive("tar"),
        "gzip": gzip.compress(saved("JPEG"), mtime=0),
        "xz": lzma.compress(saved("JPEG")),
        "zlib": zlib.compress(saved("BMP")),
        "film (MP4)": ftyp % b"isom" + bytes(40),
        "film (Matroska)": b"\x1a\x45\xdf\xa3" + bytes(40),
        "film (AVI)": b"RIFF\x40\0\0\0AVI LIST" + bytes(40),
        "sound (WAV)": b"RIFF\x40\0\0\0WAVEfmt " + bytes(40),
        "sound (MP3)": b"ID3\4\0\0\0\0\0\0" + bytes(40),
        "sound (Ogg)": b"OggS\0\2" + bytes(40),
        "SQLite": b"SQLite format 3\0" + bytes(84),
        "Parquet": b"PAR1" + bytes(40) + b"PAR1",
        "NumPy array": b"\x93NUMPY\1\0" + bytes(40),
        "pickle": b"\x80\4\x95\n\0\0\0\0\0\0\0cos\nsystem\n.",
        "font": b"\0\1\0\0\0\x0f\0\x80" + bytes(40),
        "Word document": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40),
        "mail": b"From: a@example.org\r\n\r\n",
        "JPEG in base64": b"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcG",
        "BMP with an unknown header": b"BM" + bytes(12) + b"\x17\0\0\0" + bytes(60),
    }
    for what, data in files.items():
        suffix = rng.choice(("jpg", "jpeg", "png", "JPG", "webp", "tif"))
        yield Case(suffix, data, "not-an-image", what)


_FTYP = b"\0\0\0\x1cftyp%s\0\0\0\0%s%s" + bytes(40)
_SENSOR_DATA = image_parts.grey_tiff(4, 4, bytes(16), photometric=32803)
_PREVIEW = image_parts.tiff(
    {256: (4, [2]), 257: (4, [2]), 254: (4, [1]), 330: (4, [8, 8]), 258: (3, [8])},
    bytes(4),
)
_PICTURES = {
    "HEIC": _FTYP % (b"heic", b"mif1", b"heic"),
    "HEIC (HDR)": _FTYP % (b"heix", b"mif1", b"heix"),
    "HEIF by its compatible brand": _FTYP % (b"abcd", b"mif1", b"miaf"),
    "HEIF sequence": _FTYP % (b"msf1", b"msf1", b"hevc"),
    "AVIF": _FTYP % (b"avif", b"mif1", b"miaf"),
    "AVIF sequence": _FTYP % (b"avis", b"msf1", b"avif"),
    "CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(60),
    "CR3": _FTYP % (b"crx ", b"isom", b"crx "),
    "CRW": b"II\x1a\0\0\0HEAPCCDR" + bytes(60),
    "NEF": _PREVIEW,
    "ARW": image_parts.grey_tiff(4, 4, bytes(16), compression=32767),
    "NEF by compression": image_parts.grey_tiff(4, 4, bytes(16), compression=34713),
    "PEF": image_parts.grey_tiff(4, 4, bytes(16), compression=65535, order=">"),
    "DNG": image_parts.tiff({256: (4, [4]), 257: (4, [4]), 50706: (4, [4])}, bytes(16)),
    "DNG by its sensor data": _SENSOR_DATA,
    "ORF": b"IIRO\x08\0\0\0" + bytes(60),
    "ORF (second kind)": b"IIRS\x08\0\0\0" + bytes(60),
    "RW2": b"IIU\0\x18\0\0\0" + bytes(60),
    "RAF": b"FUJIFILMCCD-RAW 0201" + bytes(60),
    "X3F": b"FOVb\0\0\2\0" + bytes(60),
    "MRW": b"\0MRM\0\0\1\0" + bytes(60),
    "BigTIFF": b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + bytes(60),
    "BigTIFF, big endian": b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10" + bytes(60),
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(60),
    "JPEG 2000 codestream": b"\xff\x4f\xff\x51\0\x2f" + bytes(60),
    "JPEG XL": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(60),
    "JPEG XL codestream": b"\xff\x0a" + bytes(60),
    "Photoshop": b"8BPS\0\1" + bytes(60),
    "icon": b"\0\0\1\0\1\0\x10\x10" + bytes(60),
    "OpenEXR": b"\x76\x2f\x31\x01\2\0\0\0" + bytes(60),
    "Radiance": b"#?RADIANCE\n" + bytes(60),
    "DirectDraw": b"DDS \x7c\0\0\0" + bytes(120),
    "QOI": b"qoif\0\0\0\1\0\0\0\1\3\0" + bytes(8),
    "PPM": b"P6\n4 4\n255\n" + bytes(48),
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n",
}


def other_pictures(rng: random.Random) -> Iterator[Case]:
    for what, data in _PICTURES.items():
        suffix = rng.choice(("jpg", "jpg", "png", "heic", "nef", "tif"))
        yield Case(suffix, data, "unsupported-format", what)
