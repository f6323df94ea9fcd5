"""A training image with its instances, between reading and the network.

Shapes: H W the scene's pixels. Boxes are (x0, y0, x1, y1), float, pixels of the scene in the COCO
convention.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from boxmask.models.hints import Neighbours
from boxmask.window import Window

Pixels = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.bool_]
Box = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Instance:
    """A box and its mask; an instance whose mask is not to be supervised has none."""

    box: Box
    mask: Window | None
    name: str  # file and annotation id, for messages
    label: int = -1  # the category, counted over all sources; -1 is like no other
    angle: float = 0.0  # of the frame of a turned box, whose bounds `box` is; see boxmask/turned.py

    def without(self, hidden: Window) -> "Instance | None":
        """Return what is left behind something pasted over it, None if that is nothing."""
        if self.mask is None:
            return self
        covered = self.mask.overlap(hidden)
        if not (self.mask.bits & covered).any():
            return self
        left = replace(self.mask, bits=self.mask.bits & ~covered).trimmed()
        return None if left is None else replace(self, mask=left, box=left.box())


@dataclass(frozen=True, eq=False)
class Scene:
    """Pixels (H, W, 3) and the instances among them: an image of its own."""

    image: Pixels
    instances: tuple[Instance, ...]
    neighbours: tuple[Instance, ...] = ()  # boxes around the one asked for, where they are shown


def as_neighbours(asked: Instance, others: Sequence[Instance]) -> Neighbours:
    """Describe the other boxes of an image to a network of window masks."""
    return Neighbours(
        np.array([one.box for one in others], dtype=np.float64).reshape(-1, 4),
        np.array([one.label == asked.label >= 0 for one in others], dtype=np.bool_),
    )
