"""Masks as polygons of few vertices, for people to edit: how far they may be off is said.

    found = outline(window, width=640, height=480, tolerance=1.0)
    found.polygons, found.iou

Each part of a mask is one polygon; its holes are joined to it by bridges that are walked there and
back. What pycocotools draws of it is what the IoU is measured on. No outline crosses itself or
another one, and none lies inside or outside of what it did not.
"""

from typing import NamedTuple

import numpy as np

from boxmask.outlines.largest import Largest
from boxmask.outlines.rings import RingSet, Vertices, ring_set
from boxmask.outlines.thin import thin
from boxmask.polygons import coco_polygons
from boxmask.rle import IntArray, area, runs, runs_window, segmentation_runs
from boxmask.window import Window

Size = tuple[int, int]

# A mask that would lose more is outlined within half the tolerance, a quarter, or exactly.
LOWEST_IOU = 0.9
_HALVINGS = 4
_COARSER = 1.4


class Outline(NamedTuple):
    """A mask as polygons, and what is drawn from them."""

    polygons: list[list[float]]  # x, y, x, y, ... in pixels of the image
    counts: IntArray  # runs of the image
    iou: float  # of what is drawn with the mask

    @property
    def vertices(self) -> int:
        """How many points all polygons have."""
        return sum(map(len, self.polygons)) // 2


def outline(
    window: Window, *, width: int, height: int, tolerance: float, max_vertices: int | None = None
) -> Outline:
    """Outline a mask of a width x height image, no side of a pixel farther off than `tolerance`.

    Finer than that where it would lose too much of a small mask; coarser where it would have more
    vertices than `max_vertices`, 4 or more: then without its smallest parts and holes, if need be.
    """
    rings, size = ring_set(window), (width, height)
    for halvings in range(_HALVINGS):
        within = tolerance / 2**halvings
        found = _measured(rings.joined(thin(rings, within)), window, size)
        if found.iou >= LOWEST_IOU:
            break
    else:
        found = exact_outline(window, width=width, height=height)
    if max_vertices and found.vertices > max_vertices:
        return _fewer(window, size, tolerance, max_vertices)
    return found


def exact_outline(window: Window, *, width: int, height: int) -> Outline:
    """Outline a mask along the edges of its pixels."""
    return Outline(coco_polygons(window), runs(window, width=width, height=height), 1.0)


def _fewer(window: Window, size: Size, tolerance: float, max_vertices: int) -> Outline:
    """Outline a mask more coarsely, or without its smallest rings, whatever keeps most of it."""
    largest, within = Largest(window), tolerance
    x0, y0, x1, y1 = (largest.keep(1).trimmed() or window).box()
    box = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    found, count = [_measured([box], window, size)], 0
    while count < len(largest) and within < _COARSER * max(window.bits.shape):
        count, outlined = _most_rings(largest, window, size, within, max_vertices)
        found += [outlined] if outlined else []
        within *= _COARSER
    return max(found, key=lambda one: one.iou)


def _most_rings(
    largest: Largest, window: Window, size: Size, within: float, max_vertices: int
) -> tuple[int, Outline | None]:
    """Outline within a tolerance as many of the largest rings as there are vertices for."""
    best, low, high = None, 0, len(largest)  # rings that can be kept, and that perhaps can
    while low < high:
        count = (low + high + 1) // 2
        kept = ring_set(largest.keep(count))
        found = _measured(kept.joined(thin(kept, within)), window, size)
        if found.vertices > max_vertices:
            high = count - 1
        else:
            low, best = count, found
    return low, best


def _measured(polygons: list[Vertices], window: Window, size: Size) -> Outline:
    width, height = size
    flat: list[list[float]] = [polygon.ravel().tolist() for polygon in polygons]
    counts = segmentation_runs(flat, width=width, height=height)
    x0, y0, x1, y1 = window.box()
    drawn = runs_window(counts, width=width, height=height, box=np.array([x0, y0, x1, y1]))
    shared = int((window.overlap(drawn) & window.bits).sum())
    return Outline(flat, counts, shared / (int(window.bits.sum()) + area(counts) - shared))


__all__ = ["LOWEST_IOU", "Outline", "RingSet", "exact_outline", "outline"]
