"""Boxes from the many ways in which they are written, and what can be wrong with them.

Letters: N rows. xywh is corner and size as written; xyxy is (x0, y0, x1, y1), pixels of the
original image in the COCO convention, or fractions of it in the rows that say so.
"""

import math
from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from boxmask.dataset import FAULTS, BoxDataset, IntArray

Boxes = npt.NDArray[np.float64]
Faults = npt.NDArray[np.uint8]

NO_IMAGE = FAULTS.index("no image record")
MISSING = FAULTS.index("box is missing")
NOT_FOUR = FAULTS.index("box does not have four numbers")
NOT_FINITE = FAULTS.index("box is not finite")
EMPTY = FAULTS.index("box has no width or height")
OUTSIDE = FAULTS.index("box is outside the image")

_NOWHERE = (math.nan,) * 4


def read_boxes(values: Sequence[object]) -> tuple[Boxes, Faults]:
    """Turn bbox values, as decoded, into xywh (N, 4) and a fault for each that is none.

    A tuple is taken for four numbers: the strict decoder has checked it.
    """
    faults = np.zeros(len(values), np.uint8)
    rows: list[tuple[float, ...]] = []
    for row, value in enumerate(values):
        if type(value) is tuple:
            rows.append(value)
        else:
            box, faults[row] = _inspect(value)
            rows.append(box)
    numbers = np.fromiter(chain.from_iterable(rows), np.float64, 4 * len(rows))
    return numbers.reshape(-1, 4), faults


def _inspect(value: object) -> tuple[tuple[float, ...], int]:
    if value is None:
        return _NOWHERE, MISSING
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        return _NOWHERE, NOT_FOUR
    try:
        box = tuple(map(float, value))
    except OverflowError:
        return _NOWHERE, NOT_FINITE
    return (box, 0) if all(map(math.isfinite, box)) else (_NOWHERE, NOT_FINITE)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def corners(xywh: Boxes) -> Boxes:
    """Turn corner and size (N, 4) into two corners (N, 4)."""
    with np.errstate(over="ignore"):
        return np.hstack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]])


def judge(
    xywh: Boxes, boxes: Boxes, faults: Faults, sizes: IntArray, image_index: npt.NDArray[np.int32]
) -> int:
    """Write what is wrong with each box into `faults` (N,), unless something is already.

    `sizes` (N, 2) is the width and height that bound each box, 0 if unknown. Returns how many of
    the sound boxes reach over the border of their image.
    """
    width, height = sizes[:, 0], sizes[:, 1]
    known = (width > 0) & (height > 0)
    x0, y0, x1, y1 = boxes.T
    empty = (xywh[:, 2] <= 0) | (xywh[:, 3] <= 0) | (x1 <= x0) | (y1 <= y0)
    outside = known & ((x0 >= width) | (y0 >= height) | (x1 <= 0) | (y1 <= 0))
    for wrong, fault in (
        (image_index < 0, NO_IMAGE),
        (~np.isfinite(boxes).all(1), NOT_FINITE),
        (empty, EMPTY),
        (outside, OUTSIDE),
    ):
        faults[wrong & (faults == 0)] = fault
    over = known & ((x0 < 0) | (y0 < 0) | (x1 > width) | (y1 > height))
    return int((over & (faults == 0)).sum())


def pixel_boxes(dataset: BoxDataset, rows: IntArray, width: int, height: int) -> Boxes:
    """Return the boxes of rows (n,) of one image of that size, in pixels (n, 4)."""
    boxes = dataset.boxes[rows]
    scale = np.array([width, height, width, height], np.float64)
    return np.where(dataset.relative[rows, None], boxes * scale, boxes)
