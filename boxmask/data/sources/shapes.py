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
    mask: SourceMask | None = None
    fault: str = ""


UNREADABLE = Shape(fault=_NOT_FOUR)
TURNED = Shape(fault="box is turned")
OTHER = Shape(fault="shape is not a box")


def box(sides: Sequence[float] | None, angle: object = 0) -> Shape:
    """Return a box by its corners, None if they cannot be read; `angle` is in degrees."""
    if sides is None:
        return UNREADABLE
    (turned,) = numbers([angle or 0]) or (0.0,)
    x0, y0, x1, y1 = sides
    return Shape((x0, y0, x1, y1), fault=TURNED.fault if turned % 360 else "")


def outline(points: Sequence[float] | None) -> Shape:
    """Return an outline x, y, x, y, ... of three points or more."""
    whole = points is not None and len(points) >= 6 and len(points) % 2 == 0
    return Shape(polygon=points) if whole else UNREADABLE


def painted(mask: SourceMask | None) -> Shape:
    """Return a mask, None if it cannot be read."""
    return Shape(fault="mask cannot be read") if mask is None else Shape(mask=mask)
