"""A mask as the few pixels that hold it: what paste yields and the run-length encoder takes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Window:
    """Mask pixels inside a rectangle of the image.

    `bits` is (w, h), columns first, so that its flat order is the column-major order of COCO;
    its corner lies at pixel (x, y) of the image. Everything outside the window is background.
    """

    x: int
    y: int
    bits: Bits

    def box(self) -> npt.NDArray[np.float64]:
        """Return the rectangle as a box (x0, y0, x1, y1)."""
        width, height = self.bits.shape
        return np.array([self.x, self.y, self.x + width, self.y + height], dtype=np.float64)

    def trimmed(self) -> "Window | None":
        """Return the tightest window that holds the same mask, None if the mask is empty."""
        columns, rows = np.flatnonzero(self.bits.any(axis=1)), np.flatnonzero(self.bits.any(axis=0))
        if not len(columns):
            return None
        left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
        return Window(self.x + int(left), self.y + int(top), self.bits[left:right, top:bottom])

    def overlap(self, other: "Window") -> Bits:
        """Return the pixels (w, h) of another mask inside this window."""
        covered = np.zeros_like(self.bits)
        (width, height), (w, h) = self.bits.shape, other.bits.shape
        dx, dy = other.x - self.x, other.y - self.y
        left, top = max(0, dx), max(0, dy)
        right, bottom = min(width, dx + w), min(height, dy + h)
        if left < right and top < bottom:
            covered[left:right, top:bottom] = other.bits[
                left - dx : right - dx, top - dy : bottom - dy
            ]
        return covered
