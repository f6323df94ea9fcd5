"""A mask without its smallest parts and holes, for outlines that must have few vertices."""

import numpy as np

from boxmask.outlines.rings import signed_area
from boxmask.polygons import trace
from boxmask.window import Window


class Largest:
    """A mask by its rings, the largest first: none lies in a ring that comes after it."""

    def __init__(self, window: Window) -> None:
        self._window = window
        rings = [np.array(ring).reshape(-1, 2) for ring in trace(window)]
        self._rings = sorted(rings, key=lambda ring: -abs(signed_area(ring)))

    def __len__(self) -> int:
        return len(self._rings)

    def keep(self, count: int) -> Window:
        """Return what the first rings hold: a pixel is inside if an odd number are around it."""
        window = self._window
        turns = np.zeros((len(window.bits) + 1, window.bits.shape[1]), np.int64)
        for ring in self._rings[:count]:
            corners = (ring - [window.x, window.y]).astype(np.intp)
            for (x, y), (x_next, y_next) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
                if x == x_next:
                    turns[x, min(y, y_next) : max(y, y_next)] += 1
        return Window(window.x, window.y, turns[:-1].cumsum(axis=0) % 2 == 1)
