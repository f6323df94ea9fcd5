"""A file of masks in columns: ground truth, a COCO form with predictions, or a results list.

Shapes: N annotations (one row each, in the order of the file), I images, C categories.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from boxmask.dataset import Category, Id, RawRecords

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ImageRecord:
    """An image record; width and height are 0 where the file does not say."""

    id: Id
    file_name: str = ""
    width: int = 0
    height: int = 0


def sizes_of(images: Iterable[ImageRecord]) -> dict[Id, tuple[int, int]]:
    """Return the width and height of images by their ids."""
    return {image.id: (image.width, image.height) for image in images}


@dataclass(frozen=True, eq=False)
class MaskFile:
    """The columns of a file of masks, and the bytes of its annotations."""

    path: Path
    ids: Sequence[Id]  # (N,) None where the record has none, as in a results list
    image_ids: Sequence[Id]  # (N,)
    category_ids: Sequence[Id]  # (N,)
    boxes: FloatArray  # (N, 4) given: x0, y0, x1, y1 in pixels, NaN where there is none
    areas: FloatArray  # (N,) as the file says, NaN where it does not
    scores: FloatArray  # (N,) NaN where there is none
    qualities: FloatArray  # (N,) predicted IoU, NaN where there is none
    rectangles: npt.NDArray[np.bool_]  # (N,) the mask has just the four corners of a box
    is_crowd: npt.NDArray[np.bool_]  # (N,)
    skip_reasons: Sequence[str]  # (N,) why there is no mask to use, "" if there is one
    records: RawRecords  # (N,) original JSON of each annotation
    images: tuple[ImageRecord, ...] = ()  # empty for a results list
    categories: tuple[Category, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def image_sizes(self) -> dict[Id, tuple[int, int]]:
        """Width and height of each image by its id, 0 where the file does not say."""
        return sizes_of(self.images)

    def name(self, row: int) -> str:
        """Name a record for a message: its file, its place and its id."""
        return f"{self.path}: annotation {self.ids[row]!r} (record {row})"
