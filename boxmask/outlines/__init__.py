"""Masks as polygons of few vertices, for people to edit: how far they may be off is said.

    found = outline(window, width=640, height=480, tolerance=1.0)
    found.polygons, found.iou

Each part of a mask is one polygon; its holes are joined to it by bridges that are walked there and
back. What pycocotools draws of it is what the IoU is measured on. No outline crosses itself or
another one, and none lies inside or outside of what it did not.
"""

from typing import NamedTuple

import numpy as np

from boxmask.outlines.rings import RingSet, Vertices, ring_set
from boxmask.outlines.thin import thin
from boxmask.polygons import coco_polygons
from boxmask.rle import IntArray, area, runs, runs_window, segmentation_runs
from boxmask.window import Window

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
    vertices than `max_vertices`.
    """
    rings, size = ring_set(window), (width, height)
    for halvings in range(_HALVINGS):
        within = tolerance / 2**halvings
        found = _measured(rings.joined(thin(rings, within)), window, size)
        if found.iou >= LOWEST_IOU:
            break
    else:
        found = exact_outline(window, width=width, height=height)
    while max_vertices and found.vertices > max_vertices and within < max(window.bits.shape):
        within *= _COARSER
        coarser = _measured(rings.joined(thin(rings, within)), window, size)
        found = coarser if coarser.iou and coarser.vertices < found.vertices else found
    return found


def exact_outline(window: Window, *, width: int, height: int) -> Outline:
    """Outline a mask along the edges of its pixels."""
    return Outline(coco_polygons(window), runs(window, width=width, height=height), 1.0)


def _measured(polygons: list[Vertices], window: Window, size: tuple[int, int]) -> Outline:
    width, height = size
    flat: list[list[float]] = [polygon.ravel().tolist() for polygon in polygons]
    counts = segmentation_runs(flat, width=width, height=height)
    x0, y0, x1, y1 = window.box()
    drawn = runs_window(counts, width=width, height=height, box=np.array([x0, y0, x1, y1]))
    shared = int((window.overlap(drawn) & window.bits).sum())
    return Outline(flat, counts, shared / (int(window.bits.sum()) + area(counts) - shared))


__all__ = ["LOWEST_IOU", "Outline", "RingSet", "exact_outline", "outline"]
