"""A mask as the few pixels that hold it: what paste yields and the run-length encoder takes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Window:
    """Mask pixels inside a rectangle of the image.

    `bits` is (w, h), columns first, so that its flat order is the column-major order of COCO;
    its corner lies at pixel (x, y) of the image. Everything outside the window is background.
    """

    x: int
    y: int
    bits: npt.NDArray[np.bool_]
