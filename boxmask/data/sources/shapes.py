"""The shapes of programs that people draw with: a box, an outline or a painted mask, or none."""

from collections.abc import Sequence
from typing import NamedTuple

from boxmask.data.sources.masks import SourceMask
from boxmask.data.sources.units import Corners, numbers

_NOT_FOUR = "box does not have four numbers"


class Shape(NamedTuple):
    """Where a shape says that something is, in the unit of its format, or why it does not count."""

    corners: Corners | None = None
    polygon: Sequence[float] | None = None  # x, y, x, y, ...
    turned: Sequence[float] | None = None  # likewise, the four corners of a box
    mask: SourceMask | None = None
    fault: str = ""


UNREADABLE = Shape(fault=_NOT_FOUR)
OTHER = Shape(fault="shape is not a box")


def box(sides: Sequence[float] | None) -> Shape:
    """Return a box by two corners, None if they cannot be read."""
    if sides is None:
        return UNREADABLE
    x0, y0, x1, y1 = sides
    return Shape((x0, y0, x1, y1))


def turned_box(points: Sequence[float] | None) -> Shape:
    """Return a box by its four corners, in order round it."""
    return Shape(turned=points) if points is not None and len(points) == 8 else UNREADABLE


def degrees_of(angle: object) -> float:
    """Return an angle below a whole turn; 0 for what is none."""
    (degrees,) = numbers([angle or 0]) or (0.0,)
    return degrees % 360


def outline(points: Sequence[float] | None) -> Shape:
    """Return an outline x, y, x, y, ... of three points or more."""
    whole = points is not None and len(points) >= 6 and len(points) % 2 == 0
    return Shape(polygon=points) if whole else UNREADABLE


def painted(mask: SourceMask | None) -> Shape:
    """Return a mask, None if it cannot be read."""
    return Shape(fault="mask cannot be read") if mask is None else Shape(mask=mask)
