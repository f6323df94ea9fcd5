"""The rings of a mask that thinning begins with: points that no two of them share.

Letters: K corners of a ring along pixel edges, P points of a ring. A point is x, y in pixels of the
image. Rings run as trace leaves them, with the mask on their right.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boxmask.polygons import trace
from boxmask.window import Window

Vertices = npt.NDArray[np.float64]  # (P, 2)
Places = npt.NDArray[np.intp]
End = tuple[int, int]  # a ring, and a place in it


class RingSet(NamedTuple):
    """The rings of a mask, and the bridges that join each hole to the ring on its left."""

    rings: list[Vertices]
    bridges: list[tuple[End, End]]  # from a ring to a hole

    def joined(self, kept: Sequence[Places]) -> list[Vertices]:
        """Return one polygon a part, of those points of each ring that are kept, in order."""
        holes = {there: here for here, there in self.bridges}
        entered = {ring for ring, _ in holes}
        return [
            np.array(self._walk((ring, int(places[0])), kept))
            for ring, places in enumerate(kept)
            if ring not in entered
        ]

    def _walk(self, start: End, kept: Sequence[Places]) -> list[Vertices]:
        """Go round a ring from a point, and round each hole where its bridge begins."""
        holes, points = dict(self.bridges), []
        stack = [iter(self._around(start, kept))]
        while stack:
            end = next(stack[-1], None)
            if end is None:
                stack.pop()
                continue
            points.append(self.rings[end[0]][end[1]])
            if end in holes:
                hole = self._around(holes.pop(end), kept)
                stack += [iter([end]), iter([*hole, hole[0]])]
        return points

    def _around(self, start: End, kept: Sequence[Places]) -> list[End]:
        ring, place = start
        first = int(np.searchsorted(kept[ring], place))
        return [(ring, int(other)) for other in np.roll(kept[ring], -first)]


def ring_set(window: Window) -> RingSet:
    """Find the rings of a mask through the middles of its pixels' sides, and join the holes.

    Corners stay where both sides are longer than a pixel, and are cut elsewhere: the centre of
    each pixel stays on its side, slanted lines become straight, and rings that touch come apart.
    """
    corners = [np.array(ring).reshape(-1, 2) for ring in trace(window)]
    touching = _repeated(np.concatenate(corners))
    ends = np.cumsum([len(ring) for ring in corners])[:-1]
    rings = [_points(*pair) for pair in zip(corners, np.split(touching, ends), strict=True)]
    holes = [place for place, ring in enumerate(rings) if signed_area(ring) < 0]
    return RingSet(rings, _bridges(window, rings, holes))


def signed_area(ring: Vertices) -> float:
    """Return the area of a ring, negative for a hole."""
    x, y = ring.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _repeated(corners: Vertices) -> npt.NDArray[np.bool_]:
    """Tell which corners (K, 2) are where two pixels touch, so that there are two of them."""
    _, which, counts = np.unique(corners, axis=0, return_inverse=True, return_counts=True)
    repeated: npt.NDArray[np.bool_] = counts[which.reshape(-1)] > 1
    return repeated


def _points(corners: Vertices, touching: npt.NDArray[np.bool_]) -> Vertices:
    """Return the middle of each pixel's side along a ring (K, 2), and the corners that stay."""
    step = np.roll(corners, -1, axis=0) - corners
    lengths = np.abs(step).sum(axis=1).astype(np.intp)
    stays = (lengths > 1) & (np.roll(lengths, 1) > 1) & ~touching
    halves = 2 * lengths
    place = np.arange(halves.sum()) - np.repeat(np.cumsum(halves) - halves, halves)
    along = np.sign(step).repeat(halves, axis=0) * (place / 2)[:, None]
    points = corners.repeat(halves, axis=0) + along
    middles_and_corners = (place % 2 == 1) | ((place == 0) & stays.repeat(halves))
    kept: Vertices = points[middles_and_corners]
    return kept


def _bridges(window: Window, rings: list[Vertices], holes: list[int]) -> list[tuple[End, End]]:
    """Join each hole to the ring left of its left end, along the middles of a row of pixels."""
    owner = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    firsts = np.cumsum([0, *(len(ring) for ring in rings)])
    every = np.concatenate(rings)
    bridges = []
    for hole in holes:
        place, target = _shortest(window, rings[hole])
        found = int(np.flatnonzero((every == target).all(axis=1))[0])
        ring = int(owner[found])
        bridges.append(((ring, found - int(firsts[ring])), (hole, place)))
    return bridges


def _shortest(window: Window, hole: Vertices) -> tuple[int, Vertices]:
    """Return a place at the left end of a hole, and the point where the mask begins left of it."""
    x = hole[:, 0].min()
    places = np.flatnonzero((hole[:, 0] == x) & (hole[:, 1] % 1 == 0.5))
    rows = np.floor(hole[places, 1]).astype(np.intp) - window.y
    before = window.bits[: int(x) - window.x, rows][::-1]
    lengths = np.where(before.all(axis=0), len(before), (~before).argmax(axis=0))
    best = int(lengths.argmin())
    return int(places[best]), hole[places[best]] - [lengths[best], 0]
