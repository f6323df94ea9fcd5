"""One ring out of many, for a format that knows neither parts nor holes.

Letters: P points. The rings are joined by bridges that are walked there and back, so that they
enclose nothing: filled by the even-odd rule, the one ring covers exactly what the many did.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ring = npt.NDArray[np.float64]  # (P, 2) x, y

_ROUNDS = 3  # of moving both ends of a bridge to the point nearest to the other


def bridge(rings: Sequence[Ring]) -> Ring:
    """Join rings into one (P, 2)."""
    joined = rings[0]
    for ring in rings[1:]:
        here, there = _ends(joined, ring)
        tour = np.roll(ring, -there, axis=0)
        joined = np.concatenate([joined[: here + 1], tour, tour[:1], joined[here:]])
    return joined


def _ends(joined: Ring, ring: Ring) -> tuple[int, int]:
    """Find two points of both rings that are near each other, in time linear in the points."""
    here = there = 0
    for _ in range(_ROUNDS):
        here = _nearest(joined, ring[there])
        there = _nearest(ring, joined[here])
    return here, there


def _nearest(ring: Ring, point: npt.NDArray[np.float64]) -> int:
    return int(((ring - point) ** 2).sum(axis=1).argmin())
