"""Exact class maps from coarse logits, without upsampling most of them.

`serving_default` of an exported model upsamples every class bilinearly and takes the
argmax of each pixel. The same map costs a fraction on the host: inside a cell between
four neighbouring logits every upsampled value is a convex combination of the corners,
so where one class wins all four corners it wins the whole cell. Only the cells on
class borders are interpolated, and there only the classes that can still win: those
whose best corner reaches the largest "worst corner" of any class.

Interpolation is written as elementwise float32 steps on purpose: a matrix product
would round differently from one BLAS and one processor to the next.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fcn_core import geometry
from fcn_core.geometry import Alignment

Floats = NDArray[np.float32]

_CELLS_AT_ONCE: Final = 2048
"""Border cells interpolated together: bounds memory, and neighbours share classes."""


class Pixels(NamedTuple):
    """The logit before each pixel of an axis, and how far it is to the next, 0..1."""

    cell: NDArray[np.intp]
    fraction: Floats


def class_map(
    logits: Floats,
    placement: geometry.Placement,
    *,
    stride: int,
    alignment: Alignment,
) -> NDArray[np.uint8]:
    """Returns the class of every pixel of the original photo.

    Logits are read bilinearly. `corner`: logit j sits on pixel `stride * j`; `center`:
    on `stride * j + (stride - 1) / 2`; beyond the first and last one they repeat. For
    a photo that was shrunk to fit, each original pixel's centre is carried to the
    fitted photo and the logits are read there, once.

    Args:
        logits: `[h, w, C]` finite float32 for the padded photo, C at most 255.
        placement: Original, fitted and padded size of the photo.
        stride: Pixels of the padded photo between two logits.
        alignment: Where a logit sits among its pixels, as the model's card says.

    Returns:
        uint8 `[H, W]` at the original size; of equal logits the lowest class wins.

    Raises:
        ValueError: The logits do not cover the fitted photo or have too many classes.
    """
    logits = np.asarray(logits, np.float32)
    fitted = placement.fitted
    if logits.ndim != 3 or not 1 <= logits.shape[2] <= 255:
        raise ValueError(
            f"logits have shape {logits.shape}, expected [h, w, C] with C in 1..255;"
            " take those of one photo"
        )
    if logits.shape[0] * stride < fitted.height or logits.shape[1] * stride < (
        fitted.width
    ):
        raise ValueError(
            f"logits {logits.shape[:2]} at stride {stride} do not cover a photo of"
            f" {fitted.height}x{fitted.width}, expected one in every cell; pass the"
            " logits of the padded photo"
        )
    if alignment not in ("corner", "center"):
        raise ValueError(
            f"alignment is {alignment!r}, expected 'corner' or 'center'; take that of"
            " the model's card"
        )
    if fitted == placement.original:
        return _map_whole_cells(logits, fitted, stride=stride, alignment=alignment)
    return _map_shrunk(logits, placement, stride=stride, alignment=alignment)


def _map_whole_cells(
    logits: Floats, size: geometry.Size, *, stride: int, alignment: Alignment
) -> NDArray[np.uint8]:
    """Returns the map of a photo at its own size: cells of stride x stride pixels."""
    # Pixel 0 is pixel `skip` of the first cell. With centres there is one more cell
    # before the first logit, and for an even stride no pixel lies on a logit.
    before, skip = (1, stride - stride // 2) if alignment == "center" else (0, 0)
    phase = 0.5 if alignment == "center" and stride % 2 == 0 else 0.0
    rows, columns = (-(-(side + skip) // stride) for side in size)
    z = np.pad(
        logits[: rows + 1 - before, : columns + 1 - before],
        ((before, 1), (before, 1), (0, 0)),
        mode="edge",
    )[: rows + 1, : columns + 1]
    winners = z.argmax(-1).astype(np.uint8)
    out = winners[:rows, :columns].repeat(stride, 1).repeat(stride, 0)
    cells = out.reshape(rows, stride, columns, stride)
    fraction = ((np.arange(stride) + phase) / stride).astype(np.float32)
    border_rows, border_columns = np.nonzero(_has_border(winners))
    for start in range(0, len(border_rows), _CELLS_AT_ONCE):
        i = border_rows[start : start + _CELLS_AT_ONCE]
        j = border_columns[start : start + _CELLS_AT_ONCE]
        corners = np.stack([z[i, j], z[i, j + 1], z[i + 1, j], z[i + 1, j + 1]])
        inside = _interpolated_argmax(
            corners, x=fraction[:, None], y=fraction[:, None, None]
        )
        cells[i, :, j, :] = inside.transpose(2, 0, 1)
    return np.ascontiguousarray(
        out[skip : skip + size.height, skip : skip + size.width]
    )


def _has_border(winners: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Returns, as `[h-1, w-1]`, which cells have corners `[h, w]` that differ."""
    horizontal = winners[:, :-1] != winners[:, 1:]
    vertical = winners[:-1] != winners[1:]
    return horizontal[:-1] | horizontal[1:] | vertical[:, :-1] | vertical[:, 1:]


def _interpolated_argmax(corners: Floats, *, x: Floats, y: Floats) -> NDArray[np.uint8]:
    """Interpolates n cells, each only for the classes that can win in it.

    Args:
        corners: `[4, n, C]`: top left, top right, bottom left, bottom right.
        x: Fractions to the right, broadcast against `[n]`.
        y: Fractions downwards, broadcast against the interpolation along x.

    Returns:
        uint8 classes `[..., n]`, the shape of `x + y` with n cells last, so that every
        step runs over long contiguous rows.
    """
    worst_of_best_class = corners.min(0).max(-1, keepdims=True)
    possible = corners.max(0) >= worst_of_best_class
    # Cells with many candidates first: those with an r-th candidate are then a prefix.
    count = possible.sum(-1)
    order = np.argsort(-count, kind="stable")
    count = count[order]
    cell, candidate = np.nonzero(possible[order])
    first = np.searchsorted(cell, np.arange(len(count)))
    x = np.broadcast_to(x, (*x.shape[:-1], len(count)))[..., order]
    name = candidate[first]
    best = _interpolate(corners[:, order, name], x=x, y=y)
    winner = np.broadcast_to(name.astype(np.uint8), best.shape).copy()
    for rank in range(1, count[0]):
        n = int(np.searchsorted(-count, -rank))
        name = candidate[first[:n] + rank]
        score = _interpolate(corners[:, order[:n], name], x=x[..., :n], y=y)
        # Candidates come in ascending order: of equal scores the first stays.
        better = score > best[..., :n]
        np.copyto(winner[..., :n], name.astype(np.uint8), where=better)
        np.maximum(best[..., :n], score, out=best[..., :n])
    result = np.empty_like(winner)
    result[..., order] = winner
    return result


def _interpolate(corners: Floats, *, x: Floats, y: Floats) -> Floats:
    """Returns bilinear values of one class between `[4, n]` corners."""
    top_left, top_right, bottom_left, bottom_right = corners
    top = top_left + (top_right - top_left) * x
    bottom = bottom_left + (bottom_right - bottom_left) * x
    return top + (bottom - top) * y


def _map_shrunk(
    logits: Floats,
    placement: geometry.Placement,
    *,
    stride: int,
    alignment: Alignment,
) -> NDArray[np.uint8]:
    """Returns the map of a photo of any other size, row by row of cells.

    A row of cells holds at most a few dozen rows of original pixels, so that a photo
    of 50 megapixels needs little more than its class map.
    """
    z, (row, fy), (column, fx) = lay_out(
        logits, placement, stride=stride, alignment=alignment
    )
    winners = z.argmax(-1).astype(np.uint8)
    border = _has_border(winners)
    out = np.empty(placement.original, np.uint8)
    first_rows = np.searchsorted(row, np.arange(logits.shape[0] + 1))
    for i in range(logits.shape[0]):
        band = slice(first_rows[i], first_rows[i + 1])
        if band.start == band.stop:
            continue
        out[band] = winners[i, column]
        pixels = np.flatnonzero(border[i, column])
        if len(pixels):
            j = column[pixels]
            corners = np.stack([z[i, j], z[i, j + 1], z[i + 1, j], z[i + 1, j + 1]])
            out[band, pixels] = _interpolated_argmax(
                corners, x=fx[pixels], y=fy[band, None]
            )
    return out


def lay_out(
    logits: Floats,
    placement: geometry.Placement,
    *,
    stride: int,
    alignment: Alignment,
) -> tuple[Floats, Pixels, Pixels]:
    """Returns what pixels are interpolated from; the arguments are as for `class_map`.

    Returns:
        Logits `[h + 1, w + 1, C]`, whose last row and column repeat so that every cell
        has four corners, and where the rows and the columns of the original lie.
    """
    rows, columns = (
        _pixels(original, fitted, cells=cells, stride=stride, alignment=alignment)
        for original, fitted, cells in zip(
            placement.original, placement.fitted, logits.shape[:2], strict=True
        )
    )
    return np.pad(logits, ((0, 1), (0, 1), (0, 0)), mode="edge"), rows, columns


def _pixels(
    original: int, fitted: int, *, cells: int, stride: int, alignment: Alignment
) -> Pixels:
    pixel = geometry.to_fitted(np.arange(original), original=original, fitted=fitted)
    if alignment == "center":
        pixel = pixel - (stride - 1) / 2
    position = np.clip(pixel / stride, 0, cells - 1)
    cell = np.floor(position).astype(np.intp)
    return Pixels(cell, (position - cell).astype(np.float32))
