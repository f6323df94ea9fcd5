"""Paste masks of turned boxes: each pixel of the image is looked up in the frame of the box.

Letters: M mask side, P pixels. Boxes are (x0, y0, x1, y1) in a frame of their own (turned.py), and
pixel k of an image has its middle at k + 1/2.
"""

import math

import numpy as np
import numpy.typing as npt

from boxmask.geometry import Floats, Places, cell_and_share, lerp, pixel_under
from boxmask.rle import IntArray, edge_runs
from boxmask.turned import bounds_of, corners_of, to_frame, to_image

_LEVEL = 1e-9  # a side that rises by less, a pixel, is level


def paste_turned_runs(
    probability: npt.NDArray[np.float32],
    frame: Floats,
    *,
    angle: float,
    clip: Floats,
    frame_angle: float | None = None,
    width: int,
    height: int,
) -> IntArray:
    """Paste as `paste_frame_runs` does, with a clip (4,) of a frame at this angle, and a frame (4,)
    of the same or of one at an angle of its own.

    Of each pixel of the image whose middle lies in the clip, it is found where that lies in the
    mask. Where no pixel passes, it is the pixel under the centre of the clip, or the nearest.
    """
    column, row = _pixels_of_turned(clip, angle, width=width, height=height)
    points = np.stack([column, row], axis=-1).astype(np.float64) + 0.5
    middles = to_frame(points, angle)
    inside = ((middles >= clip[:2]) & (middles <= clip[2:])).all(axis=1)
    side = len(probability)
    seen = middles if frame_angle is None else to_frame(points, frame_angle)
    at = ((seen[inside] - frame[:2]) / (frame[2:] - frame[:2]) * side - 0.5).clip(0, side - 1)
    values = _bilinear(probability.astype(np.float64), at)
    places = (column * height + row)[inside][values > 0.5]
    if not len(places):
        x, y = to_image((clip[:2] + clip[2:]) / 2, angle)
        places = np.array([pixel_under(x, x, width) * height + pixel_under(y, y, height)])
    # Each run of foreground begins where the pixel before is not in it, and ends likewise.
    breaks = np.flatnonzero(np.diff(places) != 1)
    starts, stops = np.r_[places[0], places[breaks + 1]], np.r_[places[breaks], places[-1]] + 1
    return edge_runs(np.stack([starts, stops], axis=1).ravel(), size=width * height)


def frame_of_samples(box: Floats, side: int) -> Floats:
    """Return the frame (4,) of a mask (M, M) whose outer samples lie on the corners of a box."""
    half = (box[2:] - box[:2]) / (side - 1) / 2
    return np.concatenate([box[:2] - half, box[2:] + half])


def _pixels_of_turned(
    clip: Floats, angle: float, *, width: int, height: int
) -> tuple[Places, Places]:
    """List the pixels of the image near a box (4,) of a frame, column by column: x and y (P,).

    They are all those whose middles it holds, and few others.
    """
    corners = corners_of(clip[None], np.array([angle]))
    x0, y0, x1, y1 = bounds_of(corners)[0]
    first, last = max(math.floor(x0), 0), min(math.ceil(x1), width)
    columns = np.arange(first, last)
    # Down a column, both sides of the frame move steadily: each bounds the rows from both ends.
    low, high = np.full(len(columns), y0), np.full(len(columns), y1)
    for slope, across, near, far in (
        (math.sin(angle), math.cos(angle), clip[0], clip[2]),
        (math.cos(angle), -math.sin(angle), clip[1], clip[3]),
    ):
        if abs(slope) > _LEVEL:
            ends = (np.array([[near], [far]]) - across * (columns + 0.5)) / slope
            low, high = np.maximum(low, ends.min(axis=0)), np.minimum(high, ends.max(axis=0))
    top = np.floor(low - 1).clip(0, height).astype(np.intp)
    counts = (np.ceil(high + 1).clip(0, height).astype(np.intp) - top).clip(0)
    before = np.cumsum(counts) - counts
    row = np.arange(counts.sum()) + np.repeat(top - before, counts)
    return np.repeat(columns, counts), row


def _bilinear(values: Floats, at: Floats) -> Floats:
    """Interpolate values (M, M) at places (P, 2), x and y among their samples."""
    x, across = cell_and_share(at[:, 0], len(values))
    y, down = cell_and_share(at[:, 1], len(values))
    above = lerp(values[y, x], values[y, x + 1] - values[y, x], across)
    below = lerp(values[y + 1, x], values[y + 1, x + 1] - values[y + 1, x], across)
    return lerp(above, below - above, down)
