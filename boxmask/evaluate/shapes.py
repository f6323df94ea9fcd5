"""Shapes drawn into a box without looking at the image: the least that a network has to beat.

Boxes are (x0, y0, x1, y1), pixels, COCO convention: a pixel belongs to a shape if its centre does.
"""

import numpy as np
import numpy.typing as npt

from boxmask.window import Window

Box = npt.NDArray[np.float64]


def filled_box(box: Box, width: int, height: int) -> Window:
    """Fill the box."""
    left, right = pixel_span(box[0], box[2], width)
    top, bottom = pixel_span(box[1], box[3], height)
    return Window(left, top, np.ones((right - left, bottom - top), dtype=np.bool_))


def inscribed_ellipse(box: Box, width: int, height: int) -> Window:
    """Fill the largest ellipse in the box."""
    window = filled_box(box, width, height)
    w, h = window.bits.shape
    x = _place(window.x, w, box[0], box[2])
    y = _place(window.y, h, box[1], box[3])
    bits = x[:, None] ** 2 + y[None, :] ** 2 <= 1
    # Every box gets a mask: where no centre is inside, its middle pixel stands for it.
    bits[w // 2, h // 2] = True
    return Window(window.x, window.y, bits)


SHAPES = {"box": filled_box, "ellipse": inscribed_ellipse}


def pixel_span(low: float, high: float, extent: int) -> tuple[int, int]:
    """Return the pixels [first, last) whose centres lie in [low, high], at least one of them."""
    first = int(np.clip(np.ceil(low - 0.5), 0, extent - 1))
    last = int(np.clip(np.floor(high - 0.5) + 1, 0, extent))
    if last <= first:
        first = int(np.clip(np.floor((low + high) / 2), 0, extent - 1))
        last = first + 1
    return first, last


def _place(first: int, number: int, low: float, high: float) -> Box:
    """Return where the centres of some pixels lie in the box, -1 to 1 from edge to edge."""
    centres = first + np.arange(number) + 0.5
    return np.asarray((centres - (low + high) / 2) / max((high - low) / 2, 0.5))
