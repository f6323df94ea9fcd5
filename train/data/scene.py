"""A training picture with its instances, between reading and the network.

Letters: H W the scene's pixels, h w a mask's window. Boxes are (x0, y0, x1, y1), float, pixels of
the scene in the COCO convention.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.bool_]
Box = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mask:
    """Mask pixels in a window of the scene whose corner is (x, y); background outside."""

    x: int
    y: int
    bits: Bits  # (h, w)

    def box(self) -> Box:
        """Return the window's box."""
        height, width = self.bits.shape
        return np.array([self.x, self.y, self.x + width, self.y + height], dtype=np.float64)

    def trimmed(self) -> "Mask | None":
        """Return the tightest window that holds the same pixels, None if there are none."""
        rows, columns = np.flatnonzero(self.bits.any(axis=1)), np.flatnonzero(self.bits.any(axis=0))
        if not len(rows):
            return None
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        return Mask(self.x + int(left), self.y + int(top), self.bits[top:bottom, left:right])


@dataclass(frozen=True, eq=False)
class Instance:
    """A box and its mask; an instance whose mask is not to be learnt has none."""

    box: Box
    mask: Mask | None
    name: str  # file and annotation id, for messages
    label: int = -1  # the category, counted over all sources; -1 is like no other

    def without(self, hidden: Mask) -> "Instance | None":
        """Return what is left behind something pasted over it, None if that is nothing."""
        if self.mask is None:
            return self
        covered = overlap(self.mask, hidden)
        if not (self.mask.bits & covered).any():
            return self
        left = replace(self.mask, bits=self.mask.bits & ~covered).trimmed()
        return None if left is None else replace(self, mask=left, box=left.box())


@dataclass(frozen=True, eq=False)
class Scene:
    """Pixels (H, W, 3) and the instances among them: a picture of its own."""

    image: Pixels
    instances: tuple[Instance, ...]
    neighbours: tuple[Instance, ...] = ()  # boxes around what is asked for, where they are told


def overlap(mask: Mask, other: Mask) -> Bits:
    """Return the pixels of another mask in the window of this one."""
    height, width = mask.bits.shape
    covered = np.zeros((height, width), dtype=np.bool_)
    dx, dy = other.x - mask.x, other.y - mask.y
    top, left = max(0, dy), max(0, dx)
    bottom, right = min(height, dy + other.bits.shape[0]), min(width, dx + other.bits.shape[1])
    if top < bottom and left < right:
        covered[top:bottom, left:right] = other.bits[top - dy : bottom - dy, left - dx : right - dx]
    return covered
