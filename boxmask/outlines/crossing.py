"""Which lines cross or touch, and which points lie in a ring. All coordinates are halves: exact.

Letters: S lines, N points, P points of a ring.
"""

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]
Ids = npt.NDArray[np.intp]

_AT_ONCE = 1 << 20  # pairs


def conflicts(lines: Points, ids: Ids) -> Flags:
    """Tell which lines (S, 2, 2) meet another one, but for an end that both share, (S,).

    `ids` (S, 2) name the ends: points of the same number are the same.
    """
    one, other = _near(lines)
    (a, b), (c, d) = lines[one].swapaxes(0, 1), lines[other].swapaxes(0, 1)
    met = (_side(a, b, c) * _side(a, b, d) <= 0) & (_side(c, d, a) * _side(c, d, b) <= 0)
    for end in (0, 1):
        for its in (0, 1):
            same = ids[one, end] == ids[other, its]
            away = lines[one, 1 - end] - lines[one, end]
            along = lines[other, 1 - its] - lines[other, its]
            back = (_cross(away, along) == 0) & ((away * along).sum(axis=1) > 0)
            met = np.where(same, back, met)
    found = np.zeros(len(lines), np.bool_)
    found[one[met]] = found[other[met]] = True
    return found


def is_inside(points: Points, ring: Points) -> Flags:
    """Tell which points (N, 2) lie in a ring (P, 2), by the even-odd rule."""
    (x0, y0), (x1, y1) = ring.T, np.roll(ring, -1, axis=0).T
    x, y = points.T[:, :, None]
    spans = (y0 > y) != (y1 > y)
    left = (x - x0) * np.abs(y1 - y0) < (x1 - x0) * (y - y0) * np.sign(y1 - y0)
    inside: Flags = (spans & left).sum(axis=1) % 2 == 1
    return inside


def _near(lines: Points) -> tuple[Ids, Ids]:
    """List the pairs of lines whose boxes meet, each pair once."""
    low, high = lines.min(axis=1), lines.max(axis=1)
    pairs = []
    chunk = max(1, _AT_ONCE // max(len(lines), 1))
    for first in range(0, len(lines), chunk):
        some = slice(first, first + chunk)
        met = np.triu(np.ones((len(low[some]), len(lines)), np.bool_), first + 1)
        for axis in (0, 1):
            met &= low[some, None, axis] <= high[None, :, axis]
            met &= low[None, :, axis] <= high[some, None, axis]
        one, other = np.nonzero(met)
        pairs.append((one + first, other))
    firsts, others = zip(*pairs, strict=True)
    return np.concatenate(firsts), np.concatenate(others)


def _side(a: Points, b: Points, c: Points) -> Points:
    return np.sign(_cross(b - a, c - a))


def _cross(u: Points, v: Points) -> Points:
    cross: Points = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    return cross
