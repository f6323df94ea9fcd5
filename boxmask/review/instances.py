"""The instances of an annotated file in columns; a record is decoded when it is looked at.

Letters: N annotations. Sizes are (width, height) in pixels of the stored, upright image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from boxmask.data import pixel_boxes, pixel_corners, segmentation
from boxmask.dataset import BoxDataset, IntArray
from boxmask.errors import InputError
from boxmask.faults import ImageFault
from boxmask.images import image_size
from boxmask.mark import Status
from boxmask.review.masks import Rle, rle_hash, to_rle

# What became of an annotation; "none": it has neither a mask nor a mark.
STATUSES = (*(status.value for status in Status), "none")

FARTHEST = 1e9  # pixels, of a side of a box

Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Instances:
    """The columns of an annotated file, and where its images are."""

    dataset: BoxDataset
    images: Path
    status: npt.NDArray[np.uint8]  # (N,) places in STATUSES
    iou: npt.NDArray[np.float32]  # (N,) the expected IoU, NaN where the file has none
    area: npt.NDArray[np.float32]  # (N,) of the mask, else of the box; NaN if unknown
    reason: npt.NDArray[np.uint16]  # (N,) places in `reasons`
    reasons: Sequence[str]  # why annotations were skipped; the first is ""
    header_sizes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.status)

    def size(self, image: int) -> tuple[int, int]:
        """Return the size of an image: the file's, else that of its header; 0, 0 if unknown."""
        width, height = int(self.dataset.widths[image]), int(self.dataset.heights[image])
        if width and height:
            return width, height
        if image not in self.header_sizes:
            try:
                self.header_sizes[image] = self._header_size(image)
            except ImageFault:
                return 0, 0
        return self.header_sizes[image]

    def _header_size(self, image: int) -> tuple[int, int]:
        return image_size(
            self.images,
            self.dataset.file_names[image],
            rotated_if_unsized=self.dataset.rotated_if_unsized,
        )

    def box(self, row: int) -> Box | None:
        """Return the box of a row (x, y, w, h) in pixels; None if it cannot be read, or drawn."""
        width, height = self.size(int(self.dataset.image_index[row]))
        x0, y0, x1, y1 = pixel_boxes(self.dataset, np.array([row]), width, height)[0].tolist()
        drawable = all(abs(side) < FARTHEST for side in (x0, y0, x1, y1))  # NaN is not
        return (x0, y0, x1 - x0, y1 - y0) if drawable else None

    def corners(self, row: int) -> list[float] | None:
        """Return the corners x, y, x, y, ... of a turned box in pixels; None for an upright one."""
        size = self.size(int(self.dataset.image_index[row]))
        found = pixel_corners(self.dataset, np.array([row]), *size)
        return None if found is None else found[0].ravel().round(2).tolist()

    def rle(self, row: int) -> Rle | None:
        """Decode the mask that the file has of a row; None if it has none, InputError if broken."""
        image = int(self.dataset.image_index[row])
        if image < 0 or not self.dataset.has_mask[row]:
            return None
        width, height = self.size(image)
        found = segmentation(self.dataset, row, (width, height))
        if found is None:
            return None
        try:
            return to_rle(found, width=width, height=height)
        except InputError as error:
            id = self.dataset.annotation_ids[row]
            raise InputError(
                f"{self.dataset.path}: annotations[{row}] (id {id!r}): {error}"
            ) from error

    def hash(self, row: int) -> str | None:
        """Name the mask of a row by its content; None if it has none that can be read."""
        try:
            rle = self.rle(row)
        except InputError:
            return None
        return None if rle is None else rle_hash(rle)

    def reason_of(self, row: int) -> str:
        """Say why a row was skipped, "" if it was not."""
        return str(self.reasons[self.reason[row]])

    def rows_of(self, image: int) -> IntArray:
        """Return the rows of an image, in the order of the file."""
        order, starts = self.rows_by_image
        return order[starts[image] : starts[image + 1]]

    @cached_property
    def rows_by_image(self) -> tuple[IntArray, IntArray]:
        """The rows in the order of their images, and where those of each image begin."""
        return self.dataset.rows_by_image()

    def category(self, row: int) -> str:
        """Name the category of a row, "" if it has none."""
        place = int(self.dataset.category_index[row])
        return self.dataset.categories[place].name if place >= 0 else ""
