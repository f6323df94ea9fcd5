"""Thins rings within a tolerance, as Douglas and Peucker do, and mends what crosses by it.

A line that crosses another one is given back the point that was farthest from it, until none does:
lines between neighbouring points of the rings never cross.
"""

from collections.abc import Sequence

import numpy as np

from boxmask.outlines.crossing import Flags, conflicts, is_inside
from boxmask.outlines.rings import Places, RingSet, Vertices, signed_area

_FEWEST = 3  # vertices of a ring


def thin(rings: RingSet, tolerance: float) -> list[Places]:
    """Choose the points of each ring that stay, the ends of bridges among them."""
    fixed: list[set[int]] = [set() for _ in rings.rings]
    for bridge in rings.bridges:
        for ring, place in bridge:
            fixed[ring].add(place)
    kept = [
        _thin_ring(ring, ends, tolerance) for ring, ends in zip(rings.rings, fixed, strict=True)
    ]
    inside = _nesting(rings.rings, kept)
    while True:
        lines = _Lines(rings, kept)
        wrong = lines.wrong(inside)
        added = lines.farthest(wrong)
        if not added:
            return kept
        for ring, place in added:
            kept[ring] = np.union1d(kept[ring], [place])


class _Lines:
    """The lines of thinned rings, then the bridges, by the places where they begin and end."""

    def __init__(self, rings: RingSet, kept: Sequence[Places]) -> None:
        self.rings, self.kept = rings.rings, kept
        self.ring = np.repeat(np.arange(len(kept)), [len(places) for places in kept])
        self.start = np.concatenate(kept)
        self.stop = np.concatenate([np.roll(places, -1) for places in kept])
        firsts = np.cumsum([0, *(len(ring) for ring in rings.rings)])
        ids = np.stack([firsts[self.ring] + self.start, firsts[self.ring] + self.stop], axis=1)
        over = [[firsts[ring] + place for ring, place in bridge] for bridge in rings.bridges]
        self._ids = np.concatenate([ids, np.array(over, np.intp).reshape(-1, 2)])
        self._points = np.concatenate(rings.rings)

    def wrong(self, inside: Flags) -> Places:
        """List the lines that must not stay: crossing, or of a ring that is turned or jumped."""
        wrong = conflicts(self._points[self._ids], self._ids)[: len(self.ring)]
        for ring, places in enumerate(self.kept):
            area, whole = signed_area(self.rings[ring][places]), signed_area(self.rings[ring])
            if area * whole <= 0:
                wrong |= self.ring == ring
        for one, other in np.argwhere(_nesting(self.rings, self.kept, self.kept) != inside):
            wrong |= (self.ring == one) | (self.ring == other)
        return np.flatnonzero(wrong)

    def farthest(self, lines: Places) -> list[tuple[int, int]]:
        """Return the farthest point from each of some lines, with its ring, where there is one."""
        found = []
        for line in lines.tolist():
            ring = int(self.ring[line])
            _, place = _farthest(self.rings[ring], int(self.start[line]), int(self.stop[line]))
            if place >= 0:
                found.append((ring, place))
        return found


def _thin_ring(ring: Vertices, fixed: set[int], tolerance: float) -> Places:
    if len(ring) <= _FEWEST:
        return np.arange(len(ring))
    kept = set(fixed)
    if len(kept) < 2:
        start = min(kept, default=_farthest_from(ring, ring.mean(axis=0)))
        kept |= {start, _farthest_from(ring, ring[start])}
    order = sorted(kept)
    spans = list(zip(order, [*order[1:], order[0]], strict=True))
    while spans:
        start, stop = spans.pop()
        distance, place = _farthest(ring, start, stop)
        if distance > tolerance:
            kept.add(place)
            spans += [(start, place), (place, stop)]
    while len(kept) < _FEWEST:
        start, stop = sorted(kept)
        kept.add(max(_farthest(ring, start, stop), _farthest(ring, stop, start))[1])
    return np.array(sorted(kept), np.intp)


def _farthest(ring: Vertices, start: int, stop: int) -> tuple[float, int]:
    """Return how far from a line the farthest point between its ends is, and which; -1 for none."""
    count = (stop - start) % len(ring) - 1
    if count < 1:
        return -1.0, -1
    places = (start + 1 + np.arange(count)) % len(ring)
    away, line = ring[places] - ring[start], ring[stop] - ring[start]
    along = (away @ line / (line @ line)).clip(0, 1)
    distances = np.hypot(*(away - along[:, None] * line).T)
    best = int(distances.argmax())
    return float(distances[best]), int(places[best])


def _farthest_from(ring: Vertices, point: Vertices) -> int:
    return int(((ring - point) ** 2).sum(axis=1).argmax())


def _nesting(
    rings: Sequence[Vertices], kept: Sequence[Places], of: Sequence[Places] | None = None
) -> Flags:
    """Tell which ring lies in which: the first point of each against every ring, thinned or not."""
    points = np.array([ring[places[0]] for ring, places in zip(rings, kept, strict=True)])
    outlines = rings if of is None else [r[p] for r, p in zip(rings, of, strict=True)]
    inside = np.stack([is_inside(points, outline) for outline in outlines], axis=1)
    np.fill_diagonal(inside, False)
    return inside
