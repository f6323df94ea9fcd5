"""Which other boxes of its image a network is shown beside a box.

Letters: n boxes that are asked for, K boxes of the same image. Boxes are (x0, y0, x1, y1) in
pixels of the image, COCO convention, and have an area; turned ones are in frames of their own
(boxmask/turned.py).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boxmask.dataset import IntArray
from boxmask.models.hints import Neighbours
from boxmask.turned import bounds_of, corners_of

Boxes = npt.NDArray[np.float64]

_ENTRIES = 1_000_000  # of a table, at once: a crowd in a photograph must not fill the memory
_LEVEL = 1e-6  # radians: frames that differ by less are one


class ImageBoxes(NamedTuple):
    """Boxes of one image with their rows in the dataset."""

    rows: IntArray  # (n,)
    boxes: Boxes  # (n, 4)
    labels: npt.NDArray[np.int32]  # (n,)
    angles: Boxes | None = None  # (n,) of the frames of turned boxes; None: all are upright

    @property
    def bounds(self) -> Boxes:
        """The boxes (n, 4), and the bounds of those that are turned."""
        corners = self.corners
        return self.boxes if corners is None else bounds_of(corners)

    @property
    def corners(self) -> Boxes | None:
        """The corners (n, 4, 2); None if all are upright."""
        return None if self.angles is None else corners_of(self.boxes, self.angles)

    def only(self, chosen: npt.NDArray[np.bool_] | IntArray) -> "ImageBoxes":
        """Return some of them."""
        angles = None if self.angles is None else self.angles[chosen]
        return ImageBoxes(self.rows[chosen], self.boxes[chosen], self.labels[chosen], angles)


def find_neighbours(asked: ImageBoxes, present: ImageBoxes, windows: Boxes) -> list[Neighbours]:
    """List for each of n boxes those of K that reach into its window (n, 4), itself aside.

    They keep their order. The same object named twice is left to `models.hints`, which drops it.
    """
    found: list[Neighbours] = []
    step = max(1, _ENTRIES // max(1, len(present.rows)))
    for first in range(0, len(asked.rows), step):
        some = slice(first, first + step)
        angles = _between(asked, present, some)
        bounds = present.boxes[None] if angles is None else _bounds(present.boxes, angles)
        near = _meet(windows[some], bounds) & (asked.rows[some, None] != present.rows)
        for k, (label, row) in enumerate(zip(asked.labels[some], near, strict=True)):
            # Boxes without a known category are like no other.
            same = (present.labels[row] == label) & (label >= 0)
            turned = None if angles is None else angles[k, row]
            found.append(Neighbours(present.boxes[row], same, turned))
    return found


def _between(asked: ImageBoxes, present: ImageBoxes, some: slice) -> Boxes | None:
    """Return the angles of K frames in each of n (n, K); None if all boxes are upright."""
    if asked.angles is None and present.angles is None:
        return None
    one, other = (
        np.zeros(len(boxes.rows)) if boxes.angles is None else boxes.angles
        for boxes in (asked, present)
    )
    angles = other - one[some, None]
    angles[np.abs(angles) < _LEVEL] = 0
    return angles


def _bounds(boxes: Boxes, angles: Boxes) -> Boxes:
    """Return the bounds (n, K, 4) of boxes (K, 4) in frames in which theirs have angles (n, K)."""
    every = np.tile(boxes, (len(angles), 1))
    return bounds_of(corners_of(every, angles.ravel())).reshape(*angles.shape, 4)


def _meet(ones: Boxes, others: Boxes) -> npt.NDArray[np.bool_]:
    """Tell which of n boxes (n, 4) shares any area with which of K (n, K, 4), or (1, K, 4)."""
    left, top, right, bottom = ones.T[..., None]
    x0, y0, x1, y1 = np.moveaxis(others, -1, 0)
    met: npt.NDArray[np.bool_] = (x0 < right) & (x1 > left) & (y0 < bottom) & (y1 > top)
    return met
