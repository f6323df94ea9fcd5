"""From the numbers of a format to corners, one box at a time.

A result is (x0, y0, x1, y1) in the unit of the numbers: pixels in the COCO convention, or fractions
or percent of the image. A turned box is its four corners x, y, x, y, ..., in pixels.
"""

import math
from collections.abc import Iterable, Sequence

Corners = tuple[float, float, float, float]


def numbers(texts: Iterable[object]) -> tuple[float, ...] | None:
    """Return texts or numbers as numbers; None if any of them is none."""
    try:
        return tuple(map(float, texts))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def flat_points(points: object) -> list[object]:
    """Return points [[x, y], ...] as x, y, ...; nothing if they are none."""
    listed = points if isinstance(points, list) else []
    pairs = all(isinstance(point, list) and len(point) == 2 for point in listed)
    return [side for point in listed for side in point] if pairs else []


def from_centre(cx: float, cy: float, w: float, h: float) -> Corners:
    """Convert a centre and a size."""
    return (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)


def from_size(x: float, y: float, w: float, h: float) -> Corners:
    """Convert the upper left corner and a size."""
    return (x, y, x + w, y + h)


def turned_about_centre(corners: Corners, degrees: float) -> list[float]:
    """Turn an upright box clockwise about its centre."""
    x0, y0, x1, y1 = corners
    return _turned(((x0 + x1) / 2, (y0 + y1) / 2), corners, degrees)


def turned_about_corner(corners: Corners, degrees: float) -> list[float]:
    """Turn an upright box clockwise about its upper left corner."""
    return _turned(corners[:2], corners, degrees)


def _turned(about: tuple[float, float], corners: Corners, degrees: float) -> list[float]:
    (x, y), (x0, y0, x1, y1) = about, corners
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    across = ((x0 - x, y0 - y), (x1 - x, y0 - y), (x1 - x, y1 - y), (x0 - x, y1 - y))
    turned = ((x + u * cosine - v * sine, y + u * sine + v * cosine) for u, v in across)
    return [side for point in turned for side in point]


def around(points: Sequence[float]) -> Corners:
    """Bound points x, y, x, y, ...; also what two opposite corners in any order span."""
    xs, ys = points[0::2], points[1::2]
    return (min(xs), min(ys), max(xs), max(ys))


def rectangle(points: Sequence[float]) -> Corners | None:
    """Return the box that a polygon is, if it has just its four corners, in order round it."""
    ring = points[:-2] if len(points) == 10 and points[:2] == points[-2:] else points
    if len(ring) != 8:
        return None
    x, y = ring[0::2], ring[1::2]
    sides = [(x[k] == x[k - 1], y[k] == y[k - 1]) for k in range(4)]
    upright = all(one != other for one, other in sides) and sides[0] == sides[2] != sides[1]
    return around(ring) if upright and sides[1] == sides[3] else None


def polygon_area(points: Sequence[float]) -> float:
    """Return the area inside a polygon, by the shoelace formula."""
    x, y = points[0::2], points[1::2]
    return abs(sum(x[k - 1] * y[k] - x[k] * y[k - 1] for k in range(len(x)))) / 2
