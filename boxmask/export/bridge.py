"""One ring out of many, for a format that knows neither parts nor holes.

Letters: P points of a ring, T points at which bridges may end. Rings run as trace leaves them, with
the mask on their right. They are joined by bridges that are walked there and back, so that they
enclose nothing. A program that draws outlines colours the pixels under a bridge, so bridges are as
short as they can be; those to holes lie inside the mask, where they harm nothing.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boxmask.polygons import trace
from boxmask.window import Window

Points = npt.NDArray[np.float64]  # (P, 2) x, y

OFFSET = 0.25  # of points in their pixels: cut off or rounded, they stay in them
_MOST_ENDS = 1500
_CHUNK = 64  # ends whose distances are measured at once


class OneRing(NamedTuple):
    """A mask as one ring, and how far what is drawn from it differs."""

    points: Points
    bridged: int = 0  # pixels outside the mask under bridges
    dropped: int = 0  # pixels of specks left out, each smaller than the bridge to it


def one_ring(window: Window) -> OneRing:
    """Outline a mask as one ring, in pixels of the image, that stays inside the mask's own pixels.

    A program that cuts or rounds coordinates to whole pixels, fills the ring and draws it (as
    cv2.fillPoly does) gets exactly the mask, but for `bridged` and `dropped`.
    """
    edges = [np.array(ring).reshape(-1, 2) for ring in trace(window)]
    insets = [_in_pixels(ring) for ring in edges]
    if len(edges) == 1:
        return OneRing(insets[0])
    specks = _speck_areas(edges)
    first = max(range(len(edges)), key=lambda k: _enclosed(edges[k]))
    net, bridged, dropped = _Net([_dense(ring) for ring in insets], first), 0, 0
    while (bridge := net.shortest()) is not None:
        cost = _background(window, *net.points[[bridge.start, bridge.end]])
        if 0 < specks[bridge.ring] < cost:
            dropped += specks[bridge.ring]
            net.leave_out(bridge.ring)
        else:
            bridged += cost
            net.join(bridge)
    return OneRing(_corners(net.path()), bridged, dropped)


class _Bridge(NamedTuple):
    start: int  # the point of a ring that is joined already
    end: int
    ring: int  # of the end


class _Net:
    """Rings of which some are joined, as points that each know the next one."""

    def __init__(self, rings: list[Points], first: int) -> None:
        self.points = np.concatenate(rings)
        lengths = [len(ring) for ring in rings]
        self._firsts = np.cumsum([0, *lengths])
        self._next = list(range(1, len(self.points) + 1))
        for start, stop in zip(self._firsts[:-1], self._firsts[1:], strict=True):
            self._next[stop - 1] = int(start)
        step = -(-len(self.points) // _MOST_ENDS)
        self._ends = np.union1d(np.arange(0, len(self.points), step), self._firsts[:-1])
        self._ring = np.repeat(np.arange(len(rings)), lengths)[self._ends]  # (T,)
        self._nearest = np.full(len(self._ends), np.inf)  # (T,) squared distance; inf once joined
        self._from = np.zeros(len(self._ends), np.intp)  # (T,) the point that is so near
        self._waiting = np.ones(len(self._ends), np.bool_)
        self._start = int(self._firsts[first])
        self._add(first)

    def shortest(self) -> _Bridge | None:
        """Find the shortest bridge to a ring that is not joined; None if all are."""
        distances = np.where(self._waiting, self._nearest, np.inf)
        place = int(distances.argmin())
        if not self._waiting[place]:
            return None
        return _Bridge(int(self._from[place]), int(self._ends[place]), int(self._ring[place]))

    def leave_out(self, ring: int) -> None:
        """Forget a ring."""
        self._waiting[self._ring == ring] = False

    def join(self, bridge: _Bridge) -> None:
        """Walk from the start of a bridge to its end, around the ring, and back."""
        back = len(self._next)  # copies of both ends
        before = self._before(bridge.end, bridge.ring)
        self._next += [back + 1, self._next[bridge.start]]
        self._next[before] = back
        self._next[bridge.start] = bridge.end
        self.points = np.concatenate([self.points, self.points[[bridge.end, bridge.start]]])
        self._add(bridge.ring)

    def path(self) -> Points:
        """Return the points of the one ring."""
        order, at = [self._start], self._next[self._start]
        while at != self._start:
            order.append(at)
            at = self._next[at]
        return self.points[order]

    def _before(self, point: int, ring: int) -> int:
        """Return the point before one of a ring that is not joined yet."""
        return point - 1 if point > self._firsts[ring] else int(self._firsts[ring + 1]) - 1

    def _add(self, ring: int) -> None:
        """Measure how near a ring comes to those that wait."""
        self.leave_out(ring)
        own = self._ends[self._ring == ring]
        left = np.flatnonzero(self._waiting)
        there = self.points[self._ends[left]]
        for chunk in np.array_split(own, -(-len(own) // _CHUNK)) if len(left) else ():
            apart = ((self.points[chunk][:, None] - there) ** 2).sum(axis=2)
            best = apart.argmin(axis=0)
            distance = np.take_along_axis(apart, best[None], axis=0)[0]
            nearer = distance < self._nearest[left]
            self._nearest[left[nearer]] = distance[nearer]
            self._from[left[nearer]] = chunk[best[nearer]]


def _in_pixels(ring: Points) -> Points:
    """Move each corner of a ring along pixel edges into the pixel of the mask on its right."""
    ahead = np.sign(np.roll(ring, -1, axis=0) - ring)
    right = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    pixels = np.floor(ring + (right + np.roll(right, 1, axis=0)) / 2)
    moves = (pixels != np.roll(pixels, 1, axis=0)).any(axis=1)
    moves[0] |= not moves.any()
    inside: Points = pixels[moves] + OFFSET
    return inside


def _dense(ring: Points) -> Points:
    """Add a point in each pixel that a ring of upright and level lines goes through."""
    step = np.roll(ring, -1, axis=0) - ring
    counts = np.maximum(np.abs(step).sum(axis=1), 1).astype(np.intp)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    along = place[:, None] * np.sign(step).repeat(counts, axis=0)
    dense: Points = ring.repeat(counts, axis=0) + along
    return dense


def _corners(ring: Points) -> Points:
    """Leave out the points of a ring where it goes straight on."""
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turns = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-9
    corners: Points = ring[turns | ((before * after).sum(axis=1) <= 0)]
    return corners


def _enclosed(ring: Points) -> float:
    """Return the area of a ring, negative for a hole."""
    x, y = ring.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _speck_areas(rings: list[Points]) -> list[int]:
    """Return the pixels of each ring that is the outline of a part without holes, else 0."""
    low, high = (np.array([edge(ring, axis=0) for ring in rings]) for edge in (np.min, np.max))
    areas = []
    for ring, lowest, highest in zip(rings, low, high, strict=True):
        inside = ((low > lowest) & (high < highest)).all(axis=1)
        areas.append(0 if inside.any() else max(0, round(_enclosed(ring))))
    return areas


def _background(window: Window, start: Points, end: Points) -> int:
    """Count the pixels outside the mask on the line between two points."""
    x0, y0, x1, y1 = (*np.floor(start), *np.floor(end))
    count = int(max(abs(x1 - x0), abs(y1 - y0))) + 1
    x = np.rint(np.linspace(x0, x1, count)).astype(np.intp) - window.x
    y = np.rint(np.linspace(y0, y1, count)).astype(np.intp) - window.y
    return int((~window.bits[x, y]).sum())
