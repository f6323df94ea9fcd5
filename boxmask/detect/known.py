"""What a file that is completed has already: boxes that are not proposed again.

Letters: n found boxes and K boxes of the file in one image. Boxes are (x0, y0, x1, y1) in pixels.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from boxmask.data import pixel_boxes
from boxmask.dataset import BoxDataset, IntArray
from boxmask.detect.found import Box, Found
from boxmask.detect.photos import Photographs

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]
_TINY = 1e-9  # of a pixel: less than any box


@dataclass(frozen=True, eq=False)
class Known:
    """The boxes of a file, by image and class."""

    photographs: Photographs
    dataset: BoxDataset

    def unknown(self, place: int, found: Found) -> list[Box]:
        """Return the boxes of an image that are not those of the file.

        A box is the file's if it has the least IoU with one of its class, or lies to that share in
        one that stands for a crowd.
        """
        order, starts = self._by_image
        rows = order[starts[place] : starts[place + 1]]
        rows = rows[self.dataset.faults[rows] == 0]
        if not len(rows) or not found.boxes:
            return found.boxes
        boxes = pixel_boxes(self.dataset, rows, *found.size)
        corners = np.array([box.bbox for box in found.boxes])
        corners[:, 2:] += corners[:, :2]
        shares = np.where(
            self.dataset.is_crowd[rows], _covered(corners, boxes), _ious(corners, boxes)
        )
        alike = self._names(found)[:, None] == self._categories[self.dataset.category_index[rows]]
        seen = (alike & (shares >= self.photographs.job.overlap)).any(axis=1)
        return [box for box, known in zip(found.boxes, seen.tolist(), strict=True) if not known]

    def _names(self, found: Found) -> Names:
        """Return the name of the category of each box (n,): a file may list a name twice."""
        names = {category.id: category.name for category in self.dataset.categories}
        ids = self.photographs.categories
        return np.array([names[ids[box.label]] for box in found.boxes], dtype=object)

    @cached_property
    def _categories(self) -> Names:
        """The names of the file's categories (C,), and behind, at -1, that of none."""
        return np.array([*(one.name for one in self.dataset.categories), None], dtype=object)

    @cached_property
    def _by_image(self) -> tuple[IntArray, IntArray]:
        return self.dataset.rows_by_image()


def _ious(ones: Floats, others: Floats) -> Floats:
    """Return the IoU of n boxes with K (n, K)."""
    both, area = _intersections(ones, others), _areas(ones)[:, None]
    ious: Floats = both / np.maximum(area + _areas(others) - both, _TINY)
    return ious


def _covered(ones: Floats, others: Floats) -> Floats:
    """Return the share of each of n boxes that lies in each of K (n, K)."""
    covered: Floats = _intersections(ones, others) / np.maximum(_areas(ones), _TINY)[:, None]
    return covered


def _intersections(ones: Floats, others: Floats) -> Floats:
    """Return the area that each of n boxes shares with each of K (n, K)."""
    low = np.maximum(ones[:, None, :2], others[:, :2])
    high = np.minimum(ones[:, None, 2:], others[:, 2:])
    shared: Floats = (high - low).clip(min=0).prod(axis=2)
    return shared


def _areas(boxes: Floats) -> Floats:
    areas: Floats = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return areas
