"""Boxes from the many ways in which they are written.

Letters: N rows. xywh is corner and size as written; xyxy is (x0, y0, x1, y1), pixels of the
original image in the COCO convention, or fractions of it in the rows that say so.
"""

import math
from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from boxmask.data.numbers import as_number
from boxmask.dataset import BoxDataset, IntArray
from boxmask.faults import FaultCodes, code_of
from boxmask.turned import bounds_of, own_frames, rectified

Boxes = npt.NDArray[np.float64]

DECIMALS = 4  # of a pixel, in what is written of boxes and outlines in fractions

_MISSING = code_of("box is missing")
_NOT_FOUR = code_of("box does not have four numbers")
_NOT_FINITE = code_of("box is not finite")

_NAN_BOX = (math.nan,) * 4


def read_boxes(values: Sequence[object]) -> tuple[Boxes, FaultCodes]:
    """Turn bbox values, as decoded, into xywh (N, 4) and the fault of each that is none (N,).

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
        return _NAN_BOX, _MISSING
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        return _NAN_BOX, _NOT_FOUR
    box = tuple(side for side in map(as_number, value) if side is not None)
    return (box, 0) if len(box) == len(value) else (_NAN_BOX, _NOT_FINITE)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def corners(xywh: Boxes) -> Boxes:
    """Turn corner and size (N, 4) into two corners (N, 4)."""
    with np.errstate(over="ignore", invalid="ignore"):  # of boxes that are condemned
        return np.hstack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]])


def sized(corners: Boxes) -> Boxes:
    """Turn two corners (N, 4) into corner and size (N, 4)."""
    with np.errstate(over="ignore", invalid="ignore"):  # of boxes that are condemned
        return np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])


def pixel_boxes(dataset: BoxDataset, rows: IntArray, width: int, height: int) -> Boxes:
    """Return the boxes of rows (n,) of one image of that size, in pixels (n, 4)."""
    scale = np.array([width, height, width, height], np.float64)
    relative = dataset.relative[rows]
    with np.errstate(over="ignore"):  # of boxes that are condemned
        boxes = np.where(relative[:, None], dataset.boxes[rows] * scale, dataset.boxes[rows])
    corners = pixel_corners(dataset, rows[relative], width, height)
    if corners is not None:
        bounds = bounds_of(corners)
        boxes[relative] = np.where(np.isnan(bounds), boxes[relative], bounds)
    return boxes


def frame_boxes(
    dataset: BoxDataset, rows: IntArray, width: int, height: int
) -> tuple[Boxes, Boxes | None]:
    """Return boxes as `pixel_boxes` does, but turned ones (n, 4) in frames of their own.

    With the angles of the frames (n,), 0 for upright boxes; None if all are.
    """
    boxes = pixel_boxes(dataset, rows, width, height)
    corners = pixel_corners(dataset, rows, width, height)
    if corners is None:
        return boxes, None
    angles = np.zeros(len(rows))
    turned = np.isfinite(corners).all(axis=(1, 2))
    boxes[turned], angles[turned] = own_frames(corners[turned])
    return boxes, angles


def pixel_corners(dataset: BoxDataset, rows: IntArray, width: int, height: int) -> Boxes | None:
    """Return the corners of the turned boxes among rows (n, 4, 2), in pixels of their image.

    They are NaN for upright boxes; None if all are.
    """
    if dataset.turned is None or np.isnan(dataset.turned[rows]).all():
        return None
    corners = dataset.turned[rows]
    scaled = dataset.relative[rows] & np.isfinite(corners).all(axis=(1, 2))
    with np.errstate(over="ignore"):  # of boxes that are condemned
        corners[scaled] = rectified(corners[scaled] * [width, height])
    return corners
