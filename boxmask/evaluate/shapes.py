"""Shapes drawn into a box without looking at the image: the least that a network has to beat.

Boxes are (x0, y0, x1, y1), pixels, COCO convention: a pixel belongs to a shape if its centre does.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from boxmask.window import Window

Box = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def filled_box(box: Box, width: int, height: int) -> Window:
    """Fill the box."""
    return _draw(box, width, height, lambda x, y: (np.abs(x) <= 1) & (np.abs(y) <= 1))


def inscribed_ellipse(box: Box, width: int, height: int) -> Window:
    """Fill the largest ellipse in the box."""
    return _draw(box, width, height, lambda x, y: x * x + y * y <= 1)


SHAPES = {"box": filled_box, "ellipse": inscribed_ellipse}


def pixel_span(low: float, high: float, extent: int) -> tuple[int, int]:
    """Return the pixels [first, last) whose centres lie in [low, high], at least one of them."""
    first = int(np.clip(np.ceil(low - 0.5), 0, extent - 1))
    last = int(np.clip(np.floor(high - 0.5) + 1, 0, extent))
    if last <= first:
        first = int(np.clip(np.floor((low + high) / 2), 0, extent - 1))
        last = first + 1
    return first, last


def _draw(box: Box, width: int, height: int, inside: Callable[[Box, Box], BoolArray]) -> Window:
    """Ask `inside` of each pixel, at its place in the box as -1..1 from edge to edge."""
    left, right = pixel_span(box[0], box[2], width)
    top, bottom = pixel_span(box[1], box[3], height)
    x = _place(left, right, box[0], box[2])
    y = _place(top, bottom, box[1], box[3])
    bits = inside(x[:, None], y[None, :])
    # Every box gets a mask: where no centre is inside, its middle pixel stands for it.
    bits[len(x) // 2, len(y) // 2] = True
    return Window(left, top, bits)


def _place(first: int, last: int, low: float, high: float) -> Box:
    centres = np.arange(first, last) + 0.5
    return np.asarray((centres - (low + high) / 2) / max((high - low) / 2, 0.5))
