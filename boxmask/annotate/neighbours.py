"""Which other boxes of its image a network is shown beside a box.

Letters: n boxes that are asked for, K boxes of the same image. Boxes are (x0, y0, x1, y1) in
pixels of the image, COCO convention, and have an area.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boxmask.dataset import IntArray
from boxmask.models.hints import Neighbours

Boxes = npt.NDArray[np.float64]

_ENTRIES = 1_000_000  # of a table, at once: a crowd in a photograph must not fill the memory


class ImageBoxes(NamedTuple):
    """Boxes of one image with their rows in the dataset."""

    rows: IntArray  # (n,)
    boxes: Boxes  # (n, 4)
    labels: npt.NDArray[np.int32]  # (n,)


def find_neighbours(asked: ImageBoxes, present: ImageBoxes, windows: Boxes) -> list[Neighbours]:
    """List for each of n boxes those of K that reach into its window (n, 4), itself aside.

    They keep their order. The same object named twice is left to `models.hints`, which drops it.
    """
    found: list[Neighbours] = []
    step = max(1, _ENTRIES // max(1, len(present.rows)))
    for first in range(0, len(asked.rows), step):
        some = slice(first, first + step)
        near = _meet(windows[some], present.boxes) & (asked.rows[some, None] != present.rows)
        for label, row in zip(asked.labels[some], near, strict=True):
            # Boxes without a known category are like no other.
            same = (present.labels[row] == label) & (label >= 0)
            found.append(Neighbours(present.boxes[row], same))
    return found


def _meet(ones: Boxes, others: Boxes) -> npt.NDArray[np.bool_]:
    """Tell which of n boxes shares any area with which of K (n, K)."""
    left, top, right, bottom = ones.T[..., None]
    x0, y0, x1, y1 = others.T
    met: npt.NDArray[np.bool_] = (x0 < right) & (x1 > left) & (y0 < bottom) & (y1 > top)
    return met
