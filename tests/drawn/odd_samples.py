"""Odd but good PNGs and TIFFs: depths, palettes, transparency."""

import struct
from collections.abc import Iterator

import numpy as np

from tests.drawn import image_parts
from tests.drawn.odd_file import OddFile, letter, over_white, saved, three


def grey() -> Iterator[OddFile]:
    for bits in (1, 2, 4, 8):
        values = np.arange(12 * 20).reshape(12, 20) % 2**bits
        grey = values * 255 // (2**bits - 1)
        png = image_parts.png(
            12, 20, image_parts.png_rows(values, bits=bits), bits=bits, colours=0
        )
        yield OddFile(f"grey{bits}.png", png, three(grey))
        colour = image_parts.png_chunk(b"tRNS", struct.pack(">H", 1))
        rows = image_parts.png_rows(values, bits=bits)
        png = image_parts.png(12, 20, rows, bits=bits, colours=0, before=colour)
        seen = np.where(values == 1, 255, grey)
        yield OddFile(f"grey{bits}-transparent.png", png, three(seen))
    deep = np.linspace(0, 65_535, 12 * 20).astype(np.uint16).reshape(12, 20)
    twin = three(np.rint(deep / 257))
    png = image_parts.png(
        12, 20, image_parts.png_rows(deep, bits=16), bits=16, colours=0
    )
    yield OddFile("grey16.png", png, twin)
    colour = image_parts.png_chunk(b"tRNS", struct.pack(">H", deep[5, 5]))
    rows = image_parts.png_rows(deep, bits=16)
    png = image_parts.png(12, 20, rows, bits=16, colours=0, before=colour)
    seen = twin.copy()
    seen[5, 5] = 255
    yield OddFile("grey16-transparent.png", png, seen)
    for order in "<>":
        pixels = deep.astype(order + "u2").tobytes()
        tiff = image_parts.grey_tiff(12, 20, pixels, bits=16, order=order)
        yield OddFile(f"grey16{'lb'['<>'.index(order)]}.tif", tiff, twin, format="TIFF")


def palettes() -> Iterator[OddFile]:
    for bits in (1, 2, 4, 8):
        colours = 2**bits
        indices = np.arange(12 * 20).reshape(12, 20) % colours
        palette = (np.arange(colours * 3) * 83 % 256).astype(np.uint8).reshape(-1, 3)
        chunk = image_parts.png_chunk(b"PLTE", palette.tobytes())
        rows = image_parts.png_rows(indices, bits=bits)
        png = image_parts.png(12, 20, rows, bits=bits, colours=3, before=chunk)
        yield OddFile(f"palette{bits}.png", png, palette[indices])
        alpha = (255 - np.arange(colours) * 17 % 256).astype(np.uint8)
        chunk += image_parts.png_chunk(b"tRNS", alpha.tobytes())
        png = image_parts.png(12, 20, rows, bits=bits, colours=3, before=chunk)
        seen = over_white(palette[indices], alpha[indices])
        yield OddFile(f"palette{bits}-alpha.png", png, seen)


def transparent() -> Iterator[OddFile]:
    colours = letter(16, 16)
    alpha = (np.arange(256).reshape(16, 16)).astype(np.uint8)
    rgba = np.dstack([colours, alpha])
    seen = over_white(colours, alpha)
    png = image_parts.png(16, 16, image_parts.png_rows(rgba), colours=6)
    yield OddFile("alpha.png", png, seen)
    webp = saved(rgba, "WEBP", lossless=True, exact=True)
    yield OddFile("alpha.webp", webp, seen, format="WEBP")
    yield OddFile("alpha.tif", saved(rgba, "TIFF"), seen, format="TIFF")
    grey = np.dstack([colours[..., 0], alpha])
    png = image_parts.png(16, 16, image_parts.png_rows(grey), colours=4)
    yield OddFile("grey-alpha.png", png, over_white(three(colours[..., 0]), alpha))
    chunk = image_parts.png_chunk(
        b"tRNS", struct.pack(">HHH", *map(int, colours[0, 0]))
    )
    png = image_parts.png(16, 16, image_parts.png_rows(colours), before=chunk)
    hidden = (colours == colours[0, 0]).all(-1)
    seen = np.where(hidden[..., None], 255, colours).astype(np.uint8)
    yield OddFile("rgb-transparent.png", png, seen)


def deep_colours() -> Iterator[OddFile]:
    deep = (np.arange(12 * 20 * 3) * 91).astype(np.uint16).reshape(12, 20, 3)
    twin = np.rint(deep / 257).astype(np.uint8)
    png = image_parts.png(12, 20, image_parts.png_rows(deep, bits=16), bits=16)
    yield OddFile("rgb16.png", png, twin)
    alpha = (np.arange(12 * 20) * 271).astype(np.uint16).reshape(12, 20)
    rows = image_parts.png_rows(np.dstack([deep, alpha]), bits=16)
    png = image_parts.png(12, 20, rows, bits=16, colours=6)
    seen = over_white(deep / 257, alpha / 257)
    yield OddFile("rgba16.png", png, seen, tolerance=2)
    rows = image_parts.png_rows(np.dstack([deep[..., 0], alpha]), bits=16)
    png = image_parts.png(12, 20, rows, bits=16, colours=4)
    seen = over_white(three(np.rint(deep[..., 0] / 257)), alpha / 257)
    yield OddFile("grey-alpha16.png", png, seen, tolerance=2)
