"""A box dataset in columns: what every reader yields and everything else works on.

Letters: N boxes (one row each, in the order of the input), I images, C categories.
Boxes are (x0, y0, x1, y1), float64, pixels of the original image in the COCO convention:
[0, 0, 1, 1] covers exactly the first pixel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Id = int | str | float | None  # None: the record has no id
IntArray = npt.NDArray[np.int64]


class RawRecords(Protocol):
    """The bytes of each record, exactly as the input file has them."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> bytes: ...


@dataclass(frozen=True)
class Category:
    """A category as the input names it."""

    id: Id
    name: str


@dataclass(frozen=True, eq=False)
class BoxDataset:
    """The columns of a box dataset, and where its original bytes lie."""

    path: Path
    format: str  # a name in boxmask.formats.FORMATS
    image_ids: Sequence[Id]  # (I,)
    file_names: Sequence[str]  # (I,) relative to the image folder
    widths: npt.NDArray[np.int32]  # (I,) 0 where the input does not say
    heights: npt.NDArray[np.int32]  # (I,)
    annotation_ids: Sequence[Id]  # (N,)
    boxes: npt.NDArray[np.float64]  # (N, 4), NaN in a row whose box cannot be read
    relative: npt.NDArray[np.bool_]  # (N,) box is in fractions: the input does not say the size
    image_index: npt.NDArray[np.int32]  # (N,) -1 where there is no such image
    category_index: npt.NDArray[np.int32]  # (N,) -1 where there is no such category
    is_crowd: npt.NDArray[np.bool_]  # (N,)
    has_mask: npt.NDArray[np.bool_]  # (N,) a segmentation that is not empty
    faults: npt.NDArray[np.uint8]  # (N,) boxmask.faults.reason_of tells them; 0 if sound
    categories: tuple[Category, ...]
    is_rectangle: npt.NDArray[np.bool_]  # (N,) the segmentation is just the box, four corners
    is_rejected: npt.NDArray[np.bool_]  # (N,) a person took its mask away
    scores: npt.NDArray[np.float32] | None = None  # (N,) detector confidence
    turned: npt.NDArray[np.float64] | None = None
    """(N, 4, 2) corners x, y of the boxes that are turned, in the unit of `boxes`, which are their
    bounds; NaN in a row whose box is upright, None if all are."""
    box_form: str = ""  # how boxes were read, where the user has said so: a formats.BoxForm
    rotated_if_unsized: bool = False  # detector ran on the EXIF-rotated image
    warnings: dict[str, int] = field(default_factory=dict)  # what was counted while reading
    records: RawRecords = ()  # (N,) one JSON object per row; empty if the input is not JSON
    image_records: RawRecords = ()  # (I,) likewise per image
    members: Mapping[str, bytes] = field(default_factory=dict)
    """The top-level members of the input file, as its bytes; empty if it is not a JSON object."""

    @property
    def is_turned(self) -> npt.NDArray[np.bool_]:
        """Which boxes are turned (N,)."""
        if self.turned is None:
            return np.zeros(len(self.boxes), np.bool_)
        return ~np.isnan(self.turned[:, 0, 0])

    def rows_by_image(self) -> tuple[IntArray, IntArray]:
        """Return (order, starts): the rows of image i are order[starts[i]:starts[i + 1]].

        Rows of one image keep the order of the input; rows without an image are left out.
        """
        order = np.argsort(self.image_index, kind="stable").astype(np.int64)
        edges = np.arange(len(self.image_ids) + 1)
        starts = np.searchsorted(self.image_index[order], edges).astype(np.int64)
        return order, starts
