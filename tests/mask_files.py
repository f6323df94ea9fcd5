"""Masks in the forms that tests compare them in."""

import numpy as np
import numpy.typing as npt

from boxmask.window import Window


def whole(window: Window, width: int, height: int) -> npt.NDArray[np.bool_]:
    """The mask of the whole image (H, W)."""
    image = np.zeros((height, width), dtype=np.bool_)
    w, h = window.bits.shape
    image[window.y : window.y + h, window.x : window.x + w] = window.bits.T
    return image
