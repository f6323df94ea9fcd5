"""Boxes that are not quite the truth: moved sides, and what a detector would propose."""

import numpy as np

from boxmask.train.data.scene import Box
from boxmask.train.recipe import Jitter

Random = np.random.Generator

_RANGES: dict[str, tuple[float, float]] = {"expand": (0.0, 1.0), "shrink": (-1.0, 0.0)}


def jitter_box(box: Box, ratio: float, mode: Jitter, random: Random) -> Box:
    """Move the sides of a box by up to `ratio` of its half extents (deepmac, box jitter).

    default, expand and shrink move each side by itself; symmetric one factor for each axis,
    symmetric-xy one for both, so that the centre stays.
    """
    low, high = _RANGES.get(mode, (-1.0, 1.0))
    count = {"symmetric": 2, "symmetric-xy": 1}.get(mode, 4)
    factors = 1 + ratio * random.uniform(low, high, count)
    factors = np.resize(factors, 4)
    centre = np.tile((box[:2] + box[2:]) / 2, 2)
    return np.asarray(centre + (box - centre) * factors)


def loosen_box(box: Box, tightness: float, random: Random) -> Box:
    """Move each side of a box by a normal error of `tightness` of the box's own side."""
    size = np.tile(box[2:] - box[:2], 2)
    corners = (box + random.normal(0, tightness, 4) * size).reshape(2, 2)
    return np.sort(corners, axis=0).ravel()


def clip_box(box: Box, frame: Box) -> Box | None:
    """Return the part of a box that lies in a frame, None if it is not a pixel wide and high."""
    low, high = np.maximum(box[:2], frame[:2]), np.minimum(box[2:], frame[2:])
    return np.concatenate([low, high]) if (high - low).min() >= 1 else None


def draw_proposal(box: Box, least: float, random: Random) -> Box:
    """Draw a box whose IoU with the truth is at least `least`, spread evenly over that range."""
    wanted = random.uniform(least, 1.0)
    size = np.tile(box[2:] - box[:2], 2)
    offset = random.uniform(-1, 1, 4) * size
    # The IoU falls as the offset grows along its direction: halve towards the wanted value.
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if box_iou(box, box + middle * offset) > wanted else (low, middle)
        )
    return np.asarray(box + low * offset)


def box_iou(one: Box, other: Box) -> float:
    """Return the IoU of two boxes."""
    size = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    sides = (one[2:] - one[:2], other[2:] - other[:2])
    if min(size.min(), *(side.min() for side in sides)) <= 0:
        return 0.0
    both = size.prod()
    return float(both / (sides[0].prod() + sides[1].prod() - both))
