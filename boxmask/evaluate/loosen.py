"""Loose boxes: true ones with each side moved, as by hands or detectors that are not exact.

Shapes: N boxes. Boxes are (x0, y0, x1, y1), pixels, COCO convention.
"""

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from boxmask.dataset import Id
from boxmask.evaluate.mask_file import FloatArray

# Moved sides lie on multiples of 1/64 pixel, where corner and size add up without rounding: the
# boxes are the same whether they stay in memory or go through a file.
_GRID = 64


def loosened(
    boxes: FloatArray, ids: Sequence[Id], limits: FloatArray, *, fraction: float, seed: int
) -> FloatArray:
    """Move each side of the boxes (N, 4) by a normal error of `fraction` of the box's own side.

    `limits` (N, 2) is the width and height of each image, 0 where unknown: what leaves it is cut
    off. Each box depends on itself, its id and the seed alone. Boxes without area stay as they
    are, and so does one that would have none.
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    moved = boxes + fraction * _errors(ids, seed) * np.hstack([sides, sides])
    moved = np.round(moved * _GRID) / _GRID
    low, high = np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])
    ends = np.where(limits > 0, limits, np.inf)
    starts = np.where(limits > 0, 0.0, -np.inf)
    low, high = np.clip(low, starts, ends), np.clip(high, starts, ends)
    sound = np.hstack([sides > 0, high > low]).all(axis=1, keepdims=True)
    return np.where(sound, np.hstack([low, high]), boxes)


def box_ious(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the IoU of each box (N, 4) with its fellow.

    NaN where either has no area that can be told.
    """
    low, high = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers beyond all images
        both, one, other = (
            np.maximum(end - start, 0).prod(axis=1)
            for start, end in ((low, high), np.hsplit(first, 2), np.hsplit(second, 2))
        )
        union = one + other - both
    known = (one > 0) & (other > 0) & np.isfinite(union)
    return np.where(known, both / np.where(known, union, 1), np.nan)


def _errors(ids: Sequence[Id], seed: int) -> FloatArray:
    """Draw four standard normal numbers for each id (N, 4), by Box and Muller from its hash."""
    texts = (json.dumps([seed, id]).encode() for id in ids)
    bits = b"".join(hashlib.blake2b(text, digest_size=32).digest() for text in texts)
    uniform = ((np.frombuffer(bits, "<u8") >> np.uint64(11)) + 0.5) / 2**53
    length, turn = uniform.reshape(-1, 2, 2).transpose(2, 0, 1)
    radius, angle = np.sqrt(-2 * np.log(length)), 2 * np.pi * turn
    return np.hstack([radius * np.cos(angle), radius * np.sin(angle)])
