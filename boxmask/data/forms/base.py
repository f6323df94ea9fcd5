"""What every COCO form offers. Size is (width, height) in pixels."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np

from boxmask.data.boxes import DECIMALS, pixel_boxes
from boxmask.dataset import BoxDataset

Size = tuple[int, int]
_EXACT = 2.0**53  # up to here each whole number is a float
NO_SIZES: Mapping[int, Size] = MappingProxyType({})


class CocoForm(ABC):
    """A dataset in COCO form, piece by piece, so that a million rows need no memory."""

    def __init__(self, dataset: BoxDataset) -> None:
        self.dataset = dataset
        self.repeated = 0  # annotations asked for that have a key twice, of which the last counts

    @abstractmethod
    def top_level(self, sizes: Mapping[int, Size] = NO_SIZES) -> Iterator[tuple[str, bytes]]:
        """Yield (key, JSON) of each top-level member but "annotations", in the input's order.

        `sizes` fills in the images, by their row, for which the input had no size.
        """

    @abstractmethod
    def annotation(self, row: int, size: Size | None = None) -> dict[str, object]:
        """Return one annotation; values that the input has are Raw, byte for byte.

        `size` is that of its image, needed where the input has the box in fractions only.
        """

    def size(self, image: int, sizes: Mapping[int, Size]) -> Size | None:
        """Return the size of an image by its row, None if nobody knows it."""
        known = (int(self.dataset.widths[image]), int(self.dataset.heights[image]))
        return known if all(known) else sizes.get(image)

    def bbox(self, row: int, size: Size | None) -> list[float] | None:
        """Return [x, y, width, height] in pixels; None without a readable box or a size."""
        dataset = self.dataset
        x0, y0, x1, y1 = dataset.boxes[row].tolist()
        if dataset.relative[row]:
            if size is None:
                return None
            x0, y0, x1, y1 = pixel_boxes(dataset, np.array([row]), *size)[0].tolist()
        sides = (x0, y0, x1 - x0, y1 - y0)
        return [_number(side) for side in sides] if all(map(math.isfinite, sides)) else None


def _number(value: float) -> float:
    rounded = round(value, DECIMALS)
    exact = abs(rounded) < _EXACT and rounded == int(rounded)
    return int(rounded) if exact else rounded
