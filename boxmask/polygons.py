"""Masks as polygons along the edges of their pixels, which lose nothing.

Letters: w h the size of a window, K the corners of all rings. A ring is x, y, x, y, ... in pixels
of the image: its corners lie where pixels meet, so all of them are whole numbers.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boxmask.window import Window

Places = npt.NDArray[np.intp]


class _Ring(NamedTuple):
    points: Places
    hole: bool


def coco_polygons(window: Window) -> list[list[float]]:
    """Outline a mask as a COCO segmentation: a list of polygons, of which the mask is the union.

    A union has no holes, so a mask with holes is cut upright through them, into pieces that lie
    side by side. pycocotools draws exactly the same mask again.
    """
    rings = _rings(window)
    lefts = sorted(int(ring.points[:, 0].min()) for ring in rings if ring.hole)
    if not lefts:
        return [_flat(ring) for ring in rings]
    # The left edge of a hole opens it; the middle one of many halves the work that is left.
    cut = lefts[len(lefts) // 2]
    left, right = np.split(window.bits, [cut - window.x])
    before, after = Window(window.x, window.y, left), Window(cut, window.y, right)
    return coco_polygons(before) + coco_polygons(after)


def trace(window: Window) -> list[list[float]]:
    """Trace the rings of a mask: outlines clockwise as seen in the image, holes the other way.

    Pixels that touch only at a corner are parts of their own.
    """
    return [_flat(ring) for ring in _rings(window)]


def _flat(ring: _Ring) -> list[float]:
    flat: list[float] = ring.points.astype(np.float64).ravel().tolist()
    return flat


def _rings(window: Window) -> list[_Ring]:
    pixels = np.pad(window.bits, 1)
    x, y = _corners(pixels)
    partner = _partners(x, y, pixels)
    points = np.stack([x + window.x, y + window.y], axis=1)
    unvisited = [True] * len(x)
    rings = []
    for start in range(len(x)):
        if unvisited[start]:
            path = _follow(start, partner, unvisited)
            # The first corner met is the left end of an upper side, with the inside below it.
            hole = not pixels[x[start] + 1, y[start] + 1]
            rings.append(_Ring(points[path[:1] + path[:0:-1] if hole else path], hole))
    return rings


def _corners(pixels: npt.NDArray[np.bool_]) -> tuple[Places, Places]:
    """Find where rings turn, row by row: x and y (K,), twice where two pixels touch at a corner.

    `pixels` has a frame of background: the corner at (x, y) is the upper left one of
    pixels[x + 1, y + 1].
    """
    upper_left, upper_right = pixels[:-1, :-1], pixels[1:, :-1]
    lower_left, lower_right = pixels[:-1, 1:], pixels[1:, 1:]
    odd = upper_left ^ upper_right ^ lower_left ^ lower_right
    touching = ~odd & (upper_left ^ upper_right) & (upper_left ^ lower_left)
    turns = odd + 2 * touching.astype(np.uint8)
    y, x = np.nonzero(turns.T)
    return x.repeat(turns[x, y]), y.repeat(turns[x, y])


def _partners(x: Places, y: Places, pixels: npt.NDArray[np.bool_]) -> list[int]:
    """Pair the corners (K,) up and down; along a row they are paired already: 2 k and 2 k + 1.

    Where two pixels touch at a corner, the first of its two copies ends the side on the left. It
    goes with the side above if the upper left pixel is set, with the one below if the upper right
    is: so each ring stays at its own pixel.
    """
    copy = np.arange(len(x))
    order = np.lexsort((np.where(pixels[x + 1, y], -copy, copy), y, x))
    partner = np.empty_like(order)
    partner[order[::2]], partner[order[1::2]] = order[1::2], order[::2]
    pairs: list[int] = partner.tolist()
    return pairs


def _follow(corner: int, partner: list[int], unvisited: list[bool]) -> list[int]:
    """Walk a ring from a corner, along a row and along a column in turn."""
    path = []
    while unvisited[corner]:
        path += [corner, corner ^ 1]
        unvisited[corner] = unvisited[corner ^ 1] = False
        corner = partner[corner ^ 1]
    return path
