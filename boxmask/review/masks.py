"""One mask in the forms that a page needs: runs, a name by its content, its box, its outlines.

Runs are COCO's compressed ones, {"size": [H, W], "counts": text}. Outlines are rings x, y, x, y,
..., whole numbers, along the edges of pixels; filled by the even-odd rule they are the mask.
"""

import hashlib
import math
from typing import NamedTuple, TypedDict

import numpy as np

from boxmask.errors import InputError
from boxmask.polygons import trace
from boxmask.rle import IntArray, bounding_box, compress, runs_window, segmentation_runs
from boxmask.window import Window

# A mask of more runs is outlined in coarser cells: a page could not draw it any faster.
MOST_RUNS = 20_000
MOST_PIXELS = 16_000_000


class Rle(TypedDict):
    """A mask as COCO's compressed runs."""

    size: list[int]  # height, width
    counts: str


class Shape(NamedTuple):
    """Where a mask lies and what its outlines are."""

    box: tuple[int, int, int, int] | None  # x, y, w, h; None for an empty mask
    rings: list[list[int]]
    area: int


def to_rle(segmentation: object, *, width: int, height: int) -> Rle:
    """Turn any segmentation of a width x height image into runs; InputError if it is none."""
    counts = segmentation_runs(segmentation, width=width, height=height)
    written = compress(counts, width=width, height=height)
    return {"size": [height, width], "counts": written.decode("ascii")}


def rle_hash(rle: Rle) -> str:
    """Name a mask by its content: 16 hexadecimal digits."""
    height, width = rle["size"]
    text = f"{height} {width} {rle['counts']}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def shape_of(rle: Rle) -> Shape:
    """Measure and outline a mask."""
    height, width = rle["size"]
    counts = segmentation_runs(rle, width=width, height=height)
    x, y, w, h = bounding_box(counts, height=height)
    if not (w and h):
        return Shape(None, [], 0)
    area = int(counts[1::2].sum())
    return Shape((x, y, w, h), _rings(counts, width, height, (x, y, x + w, y + h)), area)


def _rings(
    counts: IntArray, width: int, height: int, box: tuple[int, int, int, int]
) -> list[list[int]]:
    window = runs_window(counts, width=width, height=height, box=box)
    crowded = max(len(counts) / MOST_RUNS, math.sqrt(window.bits.size / MOST_PIXELS))
    step = math.ceil(crowded)
    if step > 1:
        coarse = Window(0, 0, np.ascontiguousarray(window.bits[::step, ::step]))
        offset = (window.x, window.y)
        return [_moved(ring, step, offset) for ring in trace(coarse)]
    return [[int(side) for side in ring] for ring in trace(window)]


def _moved(ring: list[float], step: int, offset: tuple[int, int]) -> list[int]:
    return [int(side) * step + offset[place % 2] for place, side in enumerate(ring)]


def checked_rle(value: object, *, width: int, height: int) -> Rle:
    """Check runs that somebody has sent; InputError if they are no mask of the image, or empty."""
    if not isinstance(value, dict):
        raise InputError("rle is not an object with size and counts")
    rle = to_rle(value, width=width, height=height)
    if shape_is_empty(rle):
        raise InputError("the mask is empty; draw some of it, or reject it")
    return rle


def shape_is_empty(rle: Rle) -> bool:
    """Tell whether a mask has no pixel."""
    height, width = rle["size"]
    return not segmentation_runs(rle, width=width, height=height)[1::2].any()
