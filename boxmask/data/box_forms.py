"""What the four numbers of a COCO file's bbox are, where they are not x, y, width, height.

Letters: N boxes. Numbers are as written (N, 4), NaN in a row that cannot be read.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from boxmask.data.boxes import Boxes, corners
from boxmask.dataset import IntArray
from boxmask.errors import InputError

_LARGEST_FRACTION = 1.5  # detectors let a box reach beyond the border
_BORDER = 1.0  # pixels over the border that rounding explains
_MOST = 0.95  # of the boxes fit
_LEAVING, _LEAST_LEAVING = 0.1, 3  # share and number of boxes that leave their image
_REMEDY = (
    "Say what they are: --bbox xywh, xyxy, cxcywh, normalised (x, y, width, height in fractions), "
    "normalised-xyxy or normalised-cxcywh; in Python bbox=."
)


def to_xywh(numbers: Boxes, form: str) -> Boxes:
    """Turn numbers of a form of boxmask.formats.BoxForm into x, y, width, height (N, 4)."""
    start, other = numbers[:, :2], numbers[:, 2:]
    match _plain(form):
        case "xyxy":
            return np.hstack([start, other - start])
        case "cxcywh":
            return np.hstack([start - other / 2, other])
    return numbers


def from_xywh(
    box: Sequence[float], form: str, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Write x, y, width, height in pixels of an image of a size (width, height) in a form."""
    x, y, w, h = box
    match _plain(form):
        case "xyxy":
            x, y, w, h = x, y, x + w, y + h
        case "cxcywh":
            x, y = x + w / 2, y + h / 2
    if in_fractions(form):
        return x / size[0], y / size[1], w / size[0], h / size[1]
    return x, y, w, h


def _plain(form: str) -> str:
    """Return what a form says of four numbers, also that of five."""
    return form.removeprefix("normalised").removeprefix("-").partition("-")[0]


def in_fractions(form: str) -> bool:
    """Tell whether the numbers of a form are fractions of the image."""
    return form.startswith("normalised")


def check_form(path: Path, numbers: Boxes, sizes: IntArray) -> None:
    """Raise InputError if the boxes of a file are together no x, y, width, height in pixels.

    `sizes` (N, 2) are width and height of the image of each box, 0 if unknown.
    """
    readable = np.isfinite(numbers).all(1)
    numbers, sizes = numbers[readable], sizes[readable]
    least, most = numbers.min(initial=np.inf), numbers.max(initial=-np.inf)
    if not len(numbers):
        return
    if least >= 0 and most <= _LARGEST_FRACTION and (numbers % 1).any():
        raise InputError(
            f"{path}: the boxes look like fractions of the image: all {len(numbers):,} have "
            f"numbers from {least:g} to {most:g}, the first is {_shown(numbers[0])}. "
            f"{_REMEDY}"
        )
    _check_corners(path, numbers, sizes)


def _check_corners(path: Path, numbers: Boxes, sizes: IntArray) -> None:
    """Raise InputError if boxes leave their images as x, y, width, height, and fit as corners."""
    known = (sizes > 0).all(1)
    numbers, sizes = numbers[known], sizes[known]
    leaves = (corners(numbers)[:, 2:] > sizes + _BORDER).any(1)
    ordered = (numbers[:, 2:] > numbers[:, :2]).all(1)
    fits = ordered & (numbers[:, 2:] <= sizes + _BORDER).all(1)
    count = len(numbers)
    if leaves.sum() < max(_LEAVING * count, _LEAST_LEAVING) or fits.sum() < _MOST * count:
        return
    first = int(np.flatnonzero(leaves & fits)[0])
    width, height = sizes[first].tolist()
    raise InputError(
        f"{path}: the boxes look like x0, y0, x1, y1: as x, y, width, height {leaves.sum():,} of "
        f"{count:,} would leave their images, as two corners {fits.sum():,} fit. One is "
        f"{_shown(numbers[first])} in an image of {width} x {height}. {_REMEDY}"
    )


def _shown(numbers: Boxes) -> str:
    return f"[{', '.join(f'{number:g}' for number in numbers.tolist())}]"
