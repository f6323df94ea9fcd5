"""Hints: what a box dataset says about a view besides its pixels, as planes on the view's grid.

Shapes: K neighbours, S the grid's side, P planes. Boxes are (x0, y0, x1, y1) in pixels of the
image, COCO convention, or of the frame of a turned box (boxmask/turned.py), which its window and
all that is drawn in it share. A plane's cell is a square of the window; what a box covers of it
counts in part.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boxmask.turned import areas_of, bounds_of, corners_of, part_inside, to_frame

Floats = npt.NDArray[np.float64]
Planes = npt.NDArray[np.float32]

# The planes in their order: place in the box (-1 to 1 from side to side), cover by the box, how
# loose the box is; cover by boxes of the same label and of others; then, of the smallest neighbour
# there: how much lower it ends, how much larger it is, and how near its middle the cell is.
PLANES = ("y", "x", "box", "tightness", "same", "other", "lower", "larger", "core")
X = PLANES.index("x")

_MAX_PLACE = 2.0  # of the places in the box: what lies farther out is all the same
_FULL_TIGHTNESS = 0.2  # the tightness that its plane says with a 1
_MAX_TIGHTNESS_PLANE = 1.25  # of that plane: boxes that are looser were never seen
_SAME_OBJECT_IOU = 0.8  # a box of this IoU with the one asked for is the same object, named twice
_POINTS = 4  # a side of a cell, at which it is seen how much of it a turned box covers


class Neighbours(NamedTuple):
    """The other boxes of an image, as one of its boxes sees them."""

    boxes: Floats
    """(K,4)"""
    same: npt.NDArray[np.bool_]
    """(K,) has the label of the box asked for."""
    angles: Floats | None = None
    """(K,) of the frames of turned boxes, in that of the box asked for; None: all are upright."""

    @property
    def bounds(self) -> Floats:
        """The boxes (K,4), and the bounds of those that are turned."""
        if self.angles is None:
            return self.boxes
        return bounds_of(corners_of(self.boxes, self.angles))

    def only(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "Neighbours":
        """Return some of them, or all in another order."""
        angles = None if self.angles is None else self.angles[chosen]
        return Neighbours(self.boxes[chosen], self.same[chosen], angles)


def hint_planes(
    box: Floats, window: Floats, *, side: int, tightness: float, neighbours: Neighbours | None
) -> Planes:
    """Draw the planes (P,S,S) of one box (4,) in its window (4,)."""
    planes = np.zeros((len(PLANES), side, side), dtype=np.float32)
    places = _place(box, window, side)
    planes[0], planes[1] = (
        np.clip(places[1], -_MAX_PLACE, _MAX_PLACE)[:, None],
        np.clip(places[0], -_MAX_PLACE, _MAX_PLACE),
    )
    planes[2] = _covers(box[None], window, side)[0]
    planes[3] = min(tightness / _FULL_TIGHTNESS, _MAX_TIGHTNESS_PLANE)
    near = None if neighbours is None else _in_window(box, window, neighbours)
    if near is not None and len(near.boxes):
        planes[4:] = _neighbour_planes(box, window, near, side)
    return planes


def _in_window(box: Floats, window: Floats, neighbours: Neighbours) -> Neighbours:
    """Keep the neighbours that reach into the window, but for the same object named twice.

    Boxes without area are not neighbours.
    """
    boxes = neighbours.bounds
    apart = (boxes[:, :2] >= window[2:]) | (boxes[:, 2:] <= window[:2])
    apart |= boxes[:, 2:] <= boxes[:, :2]
    shared = _shared(box, neighbours)
    either = _areas(neighbours.boxes) + _areas(box[None]) - shared
    return neighbours.only(~apart.any(axis=1) & (shared < _SAME_OBJECT_IOU * either))


def _shared(box: Floats, neighbours: Neighbours) -> Floats:
    """Return the areas (K,) that a box (4,) shares with its neighbours."""
    boxes, angles = neighbours.boxes, neighbours.angles
    both = np.clip(np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2]), 0, None)
    shared: Floats = both.prod(axis=1)
    if angles is not None:
        for k in np.flatnonzero(angles):
            part = part_inside(corners_of(boxes[k : k + 1], angles[k : k + 1])[0], box)
            shared[k] = areas_of(part[None])[0]
    return shared


def _neighbour_planes(box: Floats, window: Floats, near: Neighbours, side: int) -> Planes:
    """Draw the five planes (5,S,S) of the neighbours."""
    near = near.only(np.argsort(_areas(near.boxes), kind="stable"))  # the smallest first
    cover = _covers(near.boxes, window, side)
    if near.angles is not None:
        for k in np.flatnonzero(near.angles):
            cover[k] = _turned_cover(near.boxes[k], near.angles[k], window, side)
    there = cover > 0.5
    first, any_there = there.argmax(axis=0), there.any(axis=0)
    lower = np.clip((near.bounds[:, 3] - box[3]) / (box[3] - box[1]), -1, 1)
    larger = np.clip(np.log2(_areas(near.boxes) / _areas(box[None])) / 4, -1, 1)
    return np.stack(
        [
            _crowd(cover[near.same]),
            _crowd(cover[~near.same]),
            lower[first] * any_there,
            larger[first] * any_there,
            _cores(near, window, first) * any_there,
        ]
    ).astype(np.float32)


def _crowd(cover: Floats) -> Floats:
    """Sum up covers (K,S,S): half for one box, three quarters for two, and so on."""
    summed: Floats = 1 - (1 - cover / 2).prod(axis=0)
    return summed


def _cores(near: Neighbours, window: Floats, which: npt.NDArray[np.intp]) -> Floats:
    """Tell how near the middle of box which (S,S) each cell is: 1 there, 0 or less at its rim."""
    cells = _middles(window, len(which))
    if near.angles is not None:
        cells = to_frame(cells, near.angles[which])
    found = near.boxes[which]
    middle, half = (found[..., :2] + found[..., 2:]) / 2, (found[..., 2:] - found[..., :2]) / 2
    across, down = np.moveaxis((cells - middle) / half, -1, 0)
    inner: Floats = np.clip(1 - across**2 - down**2, -1, 1)
    return inner


def _middles(window: Floats, side: int) -> Floats:
    """Return the middles (S,S,2) of the cells of a window, x and y."""
    x, y = window[:2, None] + (window[2:] - window[:2])[:, None] * ((np.arange(side) + 0.5) / side)
    return np.stack(np.meshgrid(x, y), axis=-1)


def _place(box: Floats, window: Floats, side: int) -> Floats:
    """Return where the cells' middles lie in a box (2,S), -1 to 1 from side to side: x, then y."""
    middles = (np.arange(side) + 0.5) / side
    at = window[:2, None] + (window[2:] - window[:2])[:, None] * middles
    found: Floats = (2 * at - (box[:2] + box[2:])[:, None]) / (box[2:] - box[:2])[:, None]
    return found


def _covers(boxes: Floats, window: Floats, side: int) -> Floats:
    """Return the share of each cell that each box (K,4) covers: (K,S,S)."""
    extent = window[2:] - window[:2]
    first, last = (
        (boxes[:, :2] - window[:2]) / extent * side,
        (boxes[:, 2:] - window[:2]) / extent * side,
    )
    cells = np.arange(side)
    shares = np.clip(
        np.minimum(last[..., None], cells + 1) - np.maximum(first[..., None], cells), 0, 1
    )
    covered: Floats = shares[:, 1, :, None] * shares[:, 0, None, :]
    return covered


def _turned_cover(box: Floats, angle: float, window: Floats, side: int) -> Floats:
    """Return the share of each cell (S,S) that a turned box (4,) covers, by points in the cell."""
    points = to_frame(_middles(window, side * _POINTS), angle)
    inside = ((points >= box[:2]) & (points <= box[2:])).all(axis=-1)
    share: Floats = inside.reshape(side, _POINTS, side, _POINTS).mean(axis=(1, 3))
    return share


def _areas(boxes: Floats) -> Floats:
    """Return the areas (K,) of boxes with sides of at least a tenth of a pixel."""
    found: Floats = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.1).prod(axis=1)
    return found
