"""Turned boxes: four corners in an image, or an upright box in a frame of its own.

A frame is the plane of the image, turned about the image's origin. Its angle is that of its x axis
in the image: radians, clockwise on screen, since y points down. So a turned box is two things, its
sides (x0, y0, x1, y1) in its own frame and the angle of that; at an angle of 0 they are the box in
the image. Frames turn about one point: an angle less another is that of one frame in the other.

Letters: N boxes, P points. Corners (N, 4, 2) are x, y in pixels, in order round the box: the upper
left one of its own frame, then clockwise on screen.
"""

import numpy as np
import numpy.typing as npt

from boxmask.window import Window

Floats = npt.NDArray[np.float64]

FARTHEST = 1e9  # pixels: no corner of anything is farther, and what it is computed with overflows
LEAST_FILLED = 0.8  # what corners that are to be a rectangle fill of the smallest around them
LEAST_EXACT = 0.99  # likewise: less is no rectangle to the eye
SAME_SIDE = 0.011  # pixels: what rounding a number to hundredths may do to a side

_SAME_CORNER = 0.25  # pixels: no pixel's middle moves out of a box for less
_FLAT = 1e-9  # of its other side: a box with a shorter one has no area
_QUARTER = np.pi / 2
_AT_ONCE = 10_000  # boxes: each has two dozen points of its own on the way
_ONE, _OTHER = np.triu_indices(4, 1)  # the pairs of four corners


def to_frame(points: Floats, angles: Floats | float) -> Floats:
    """Express points (..., 2) of the image in frames of these angles (...)."""
    cosine, sine = np.cos(angles), np.sin(angles)
    x, y = points[..., 0], points[..., 1]
    return np.stack([x * cosine + y * sine, y * cosine - x * sine], axis=-1)


def to_image(points: Floats, angles: Floats | float) -> Floats:
    """Express points (..., 2) of frames of these angles (...) in the image."""
    return to_frame(points, -np.asarray(angles, np.float64))


def corners_of(boxes: Floats, angles: Floats) -> Floats:
    """Return the corners (N, 4, 2) of boxes (N, 4) in frames of these angles (N,)."""
    return to_image(boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]], angles[:, None])


def bounds_of(corners: Floats) -> Floats:
    """Return the upright boxes (N, 4) around points (N, P, 2)."""
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def is_upright(corners: Floats, tolerance: float | Floats = SAME_SIDE) -> npt.NDArray[np.bool_]:
    """Tell which corners (N, 4, 2) are those of an upright box, to a tolerance (N,) in each."""
    low, high = corners.min(axis=1, keepdims=True), corners.max(axis=1, keepdims=True)
    off = np.minimum(corners - low, high - corners).max(axis=(1, 2))
    upright: npt.NDArray[np.bool_] = off <= tolerance
    return upright


def areas_of(corners: Floats) -> Floats:
    """Return the areas (N,) inside outlines (N, P, 2), by the shoelace formula."""
    x, y = np.moveaxis(corners, -1, 0)
    ahead = np.roll(x, -1, axis=1) * y - np.roll(y, -1, axis=1) * x
    areas: Floats = np.abs(ahead.sum(axis=1)) / 2
    return areas


def own_frames(corners: Floats) -> tuple[Floats, Floats]:
    """Return the smallest boxes (N, 4) around corners (N, 4, 2), in frames of these angles (N,).

    Each has four frames, a quarter turn apart. It is the one that is nearest to upright, so that
    what is above in the image is above in the frame, as far as can be.
    """
    boxes, angles = np.empty((len(corners), 4)), np.empty(len(corners))
    for first in range(0, len(corners), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        boxes[some], angles[some] = _own_frames(corners[some])
    return boxes, angles


def _own_frames(corners: Floats) -> tuple[Floats, Floats]:
    ahead = corners[:, _ONE] - corners[:, _OTHER]
    angles = nearest_upright(np.arctan2(ahead[..., 1], ahead[..., 0]))  # (N, 6)
    within = to_frame(corners[:, None], angles[..., None])
    low, high = within.min(axis=2), within.max(axis=2)
    # A smallest rectangle lies along a side of the outline, and those are among the pairs.
    best = (high - low).prod(axis=2).argmin(axis=1)
    rows = np.arange(len(corners))
    return np.concatenate([low[rows, best], high[rows, best]], axis=1), angles[rows, best]


def rectified(corners: Floats) -> Floats:
    """Return the corners (N, 4, 2) of the smallest boxes around corners, which are in pixels.

    Those of a rectangle, but for what rounding may have done to it, stay as they are.
    """
    exact = corners_of(*own_frames(corners))
    apart = np.linalg.norm(corners[:, :, None] - exact[:, None], axis=3).min(axis=2).max(axis=1)
    found: Floats = np.where(apart[:, None, None] < _SAME_CORNER, corners, exact)
    return found


def are_flat(corners: Floats) -> npt.NDArray[np.bool_]:
    """Tell which corners (N, 4, 2) lie on a line, or are one point."""
    boxes, _ = own_frames(corners)
    sides = boxes[:, 2:] - boxes[:, :2]
    flat: npt.NDArray[np.bool_] = sides.min(axis=1) <= _FLAT * sides.max(axis=1)
    return flat


def shares_filled(corners: Floats) -> Floats:
    """Return the share (N,) that outlines (N, 4, 2) fill of the smallest boxes around them.

    It is 1 for a rectangle, a half for a triangle, nothing where corners are out of order.
    """
    boxes, _ = own_frames(corners)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    shares: Floats = areas_of(corners) / np.maximum(areas, np.finfo(np.float64).tiny)
    return shares


def nearest_upright(angles: Floats) -> Floats:
    """Turn angles by quarters to within an eighth of a turn."""
    nearest: Floats = angles - np.rint(angles / _QUARTER) * _QUARTER
    return nearest


def smallest_around(points: Floats) -> Floats:
    """Return the corners (4, 2) of the smallest rectangle around points (P, 2)."""
    hull = _hull(points)
    ahead = np.roll(hull, -1, axis=0) - hull
    angles = nearest_upright(np.arctan2(ahead[:, 1], ahead[:, 0]))
    within = to_frame(hull[None], angles[:, None])
    boxes = bounds_of(within)
    best = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1).argmin()
    corners: Floats = corners_of(boxes[best : best + 1], angles[best : best + 1])[0]
    return corners


def corners_around(window: Window) -> Floats:
    """Return the corners (4, 2) of the smallest rectangle around the pixels of a mask."""
    columns = np.flatnonzero(window.bits.any(axis=1))
    bits = window.bits[columns]
    ends = bits.argmax(axis=1), bits.shape[1] - bits[:, ::-1].argmax(axis=1)
    points = [np.stack([columns + right, end], axis=1) for end in ends for right in (0, 1)]
    return smallest_around(np.concatenate(points) + np.array([window.x, window.y], np.float64))


def angle_around(window: Window) -> float:
    """Return the angle of the frame of the smallest rectangle around the pixels of a mask."""
    _, (angle,) = own_frames(corners_around(window)[None])
    return float(angle)


def part_inside(outline: Floats, box: Floats) -> Floats:
    """Cut a convex outline (P, 2) to an upright box (4,); of no points where nothing is inside."""
    for axis in (0, 1):
        for sign, limit in ((1.0, box[axis]), (-1.0, -box[axis + 2])):
            outline = _cut(outline, sign * outline[:, axis] - limit)
    return outline


def _cut(outline: Floats, beyond: Floats) -> Floats:
    """Cut off an outline (P, 2) where a distance (P,) is below 0."""
    kept = []
    for k in range(len(outline)):
        before, after = beyond[k - 1], beyond[k]
        if (before < 0) != (after < 0):
            share = before / (before - after)
            kept.append(outline[k - 1] + share * (outline[k] - outline[k - 1]))
        if after >= 0:
            kept.append(outline[k])
    return np.array(kept).reshape(-1, 2)


def _hull(points: Floats) -> Floats:
    """Return the corners of the convex hull of points (P, 2), in order round it."""
    ordered = np.unique(points, axis=0).tolist()  # by x, then y
    halves = []
    for run in (ordered, ordered[::-1]):
        half: list[list[float]] = []
        for point in run:
            while len(half) > 1 and _is_left(half[-2], half[-1], point):
                half.pop()
            half.append(point)
        halves.append(half[:-1])
    return np.array(halves[0] + halves[1] or ordered)


def _is_left(start: list[float], middle: list[float], end: list[float]) -> bool:
    """Tell whether a corner turns away from the hull, or not at all."""
    (x0, y0), (x1, y1), (x2, y2) = start, middle, end
    return (x1 - x0) * (y2 - y0) <= (y1 - y0) * (x2 - x0)
