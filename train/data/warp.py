"""Affine maps of images, masks and boxes, all three by the same matrix.

A map is (2, 3): it takes source coordinates (x, y, 1) to those of the result. Coordinates are
continuous, a pixel's centre lies at its index plus one half. A canvas is the (x0, y0, x1, y1) of
the result that is wanted, in whole pixels; what lies outside the source is `fill`.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from boxmask.train.data.scene import Box, Instance, Pixels
from boxmask.window import Window

Map = npt.NDArray[np.float64]
Canvas = tuple[int, int, int, int]


def linear_map(*, degrees: float = 0.0, mirror: bool = False, stretch: float = 1.0) -> Map:
    """Return the (2, 2) part of a map that mirrors, then stretches, then turns."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    root = np.sqrt(stretch)
    scale = np.diag([(-1.0 if mirror else 1.0) / root, root])
    turn = np.array([[cosine, -sine], [sine, cosine]], dtype=np.float64)
    return np.asarray(turn @ scale, dtype=np.float64)


def with_translation(part: Map, *, x: float = 0.0, y: float = 0.0) -> Map:
    """Complete a (2, 2) map by a shift."""
    return np.column_stack([part, [x, y]])


def compose(outer: Map, inner: Map) -> Map:
    """Compose two maps: first the inner one."""
    x, y = outer[:, :2] @ inner[:, 2] + outer[:, 2]
    return with_translation(outer[:, :2] @ inner[:, :2], x=x, y=y)


def invert(matrix: Map) -> Map:
    """Invert a map."""
    part: Map = np.linalg.inv(matrix[:, :2]).astype(np.float64)
    x, y = -part @ matrix[:, 2]
    return with_translation(part, x=x, y=y)


def map_box(matrix: Map, box: Box) -> Box:
    """Return the bounds of a mapped box."""
    x0, y0, x1, y1 = box
    corners = np.array([[x0, x1, x0, x1], [y0, y0, y1, y1], [1, 1, 1, 1]])
    points = matrix @ corners
    return np.concatenate([points.min(axis=1), points.max(axis=1)])


def map_neighbour(matrix: Map, box: Box) -> Box:
    """Return the box of a mapped object of which only the box is known.

    Turned boxes have corners that turned objects have not: the object is taken for an ellipse.
    """
    middle = matrix[:, :2] @ ((box[:2] + box[2:]) / 2) + matrix[:, 2]
    half = np.sqrt((matrix[:, :2] ** 2) @ (((box[2:] - box[:2]) / 2) ** 2))
    return np.concatenate([middle - half, middle + half])


def _clip_to_canvas(box: Box, canvas: Canvas) -> Box | None:
    """Cut a box at the canvas, None if nothing of it is inside."""
    x0, y0, x1, y1 = canvas
    box = np.clip(box, [x0, y0, x0, y0], [x1, y1, x1, y1])
    return box if box[0] < box[2] and box[1] < box[3] else None


def whole_pixels(box: Box) -> Canvas:
    """Return the smallest canvas that holds a box."""
    x0, y0 = np.floor(box[:2] + 1e-6)
    x1, y1 = np.ceil(box[2:] - 1e-6)
    return int(x0), int(y0), int(x1), int(y1)


def render(source: Pixels, matrix: Map, canvas: Canvas, *, fill: int = 0) -> Pixels:
    """Draw the canvas of a mapped image (H, W, 3) or mask (H, W)."""
    x0, y0, x1, y1 = canvas
    back = invert(matrix)
    height, width = source.shape[:2]
    reach = map_box(back, np.array(canvas, dtype=np.float64)) + np.array([-1, -1, 1, 1])
    region = _clip_to_canvas(reach, (0, 0, width, height))
    if region is None:
        return np.full((y1 - y0, x1 - x0, *source.shape[2:]), fill, dtype=np.uint8)
    left, top, right, bottom = whole_pixels(region)
    patch = source[top:bottom, left:right]
    if _only_moves(matrix):
        return _copy_pixels(
            patch, compose(matrix, with_translation(np.eye(2), x=left, y=top)), canvas, fill
        )
    # Bilinear sampling skips pixels of an image reduced by two or more: average them first.
    step = max(1, int(np.sqrt(abs(np.linalg.det(back[:, :2]))) + 1e-6))
    reduced = Image.fromarray(patch)
    if step > 1:
        reduced = reduced.reduce(step)
    to_patch = compose(with_translation(np.eye(2) / step, x=-left / step, y=-top / step), back)
    to_patch = compose(to_patch, with_translation(np.eye(2), x=x0, y=y0))
    return np.asarray(
        reduced.transform(
            (x1 - x0, y1 - y0),
            Image.Transform.AFFINE,
            tuple(to_patch.ravel()),
            Image.Resampling.BILINEAR,
            fillcolor=(fill,) * 3 if source.ndim == 3 else fill,
        )
    )


def warp_mask(mask: Window, matrix: Map, canvas: Canvas | None) -> Window | None:
    """Map a mask, cut at the canvas, None if no pixel is left."""
    bounds = map_box(matrix, mask.box())
    inside = bounds if canvas is None else _clip_to_canvas(bounds, canvas)
    if inside is None:
        return None
    window = whole_pixels(inside)
    # Background all around, for edge pixels to fade into: sampling repeats what ends at a border.
    source = np.pad(mask.bits.T.astype(np.uint8) * 255, 1)
    drawn = render(
        source, compose(matrix, with_translation(np.eye(2), x=mask.x - 1, y=mask.y - 1)), window
    )
    return Window(window[0], window[1], drawn.T > 127).trimmed()


def warp_instance(instance: Instance, matrix: Map, canvas: Canvas | None) -> Instance | None:
    """Map an instance, cut at the canvas, None if nothing of it is left."""
    bounds = map_box(matrix, instance.box)
    box = bounds if canvas is None else _clip_to_canvas(bounds, canvas)
    if box is None or instance.mask is None:
        return None if box is None else replace(instance, box=box)
    mask = warp_mask(instance.mask, matrix, canvas)
    if mask is None:
        return None
    # The bounds of a turned box are wider than the turned object; a box hugs its object.
    upright = np.count_nonzero(matrix[:, :2]) == 2
    return replace(instance, box=box if upright else mask.box(), mask=mask)


def _only_moves(matrix: Map) -> bool:
    """Tell whether pixels fall on pixels: a mirrored or shifted image is copied, not sampled."""
    part, shift = matrix[:, :2], matrix[:, 2]
    return bool(np.array_equal(np.abs(part), np.eye(2)) and np.array_equal(shift, np.round(shift)))


def _copy_pixels(patch: Pixels, matrix: Map, canvas: Canvas, fill: int) -> Pixels:
    x0, y0, x1, y1 = canvas
    drawn = np.full((y1 - y0, x1 - x0, *patch.shape[2:]), fill, dtype=np.uint8)
    patch = patch[:: int(matrix[1, 1]), :: int(matrix[0, 0])]
    left, top, right, bottom = whole_pixels(
        map_box(matrix, np.array([0, 0, patch.shape[1], patch.shape[0]], float))
    )
    inside = (max(left, x0), max(top, y0), min(right, x1), min(bottom, y1))
    if inside[0] < inside[2] and inside[1] < inside[3]:
        drawn[inside[1] - y0 : inside[3] - y0, inside[0] - x0 : inside[2] - x0] = patch[
            inside[1] - top : inside[3] - top, inside[0] - left : inside[2] - left
        ]
    return drawn
