"""The last step of every reader: raw columns become a BoxDataset, judged by the same rules.

Letters: N rows, I images. xywh is (x, y, width, height) as written.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from boxmask.data.boxes import Boxes, corners
from boxmask.data.ids import compact, duplicates
from boxmask.dataset import BoxDataset, Category, Id, IntArray, RawRecords
from boxmask.faults import Candidates, FaultCodes, Flags, find_faults

REPEATED_IDS = "annotation ids that occur more than once"
NO_ID = "annotations without an id"
OVER_THE_BORDER = "boxes partly outside their image"
RECTANGLES = "segmentations that are just their box"
SAME_SIDE = 0.011  # pixels: what rounding a number to hundredths may do to a side
NO_CATEGORY = "annotations of a category that the file does not list"


def build_dataset(
    path: Path,
    format: str,
    *,
    image_ids: Sequence[Id],
    file_names: Sequence[str],
    widths: npt.NDArray[np.int32],
    heights: npt.NDArray[np.int32],
    annotation_ids: Sequence[Id],
    xywh: Boxes,
    image_index: npt.NDArray[np.int32],
    category_index: npt.NDArray[np.int32],
    categories: Sequence[Category],
    faults: FaultCodes | None = None,
    fractions: Flags | None = None,
    is_crowd: Flags | None = None,
    has_mask: Flags | None = None,
    is_rejected: Flags | None = None,
    rectangles: Mapping[int, tuple[float, float, float, float]] | None = None,
    box_form: str = "",
    scores: npt.NDArray[np.float32] | None = None,
    rotated_if_unsized: bool = False,
    records: RawRecords = (),
    image_records: RawRecords = (),
    members: Mapping[str, bytes] | None = None,
    warnings: dict[str, int] | None = None,
) -> BoxDataset:
    """Build the dataset: corners, pixels where the size is known, faults, counted warnings.

    `fractions` (N,) marks the boxes that are written in fractions of the image; `faults` (N,) are
    those that the reader has found itself; `rectangles` are the segmentations with the four corners
    of a box, (x0, y0, x1, y1) by row. A column that is left out is all zeros. `warnings` are the
    reader's own counts.
    """
    zeros = np.zeros(len(xywh), np.bool_)
    faults = np.zeros(len(xywh), np.uint8) if faults is None else faults
    sizes = sizes_of_rows(widths, heights, image_index)
    fractions = zeros if fractions is None else fractions
    relative = fractions & (sizes == 0).any(1)
    scaled = fractions & ~relative
    boxes = corners(xywh)
    with np.errstate(over="ignore"):
        boxes[scaled] *= np.tile(sizes[scaled], 2)
    bounds = np.where(relative[:, None], 1, sizes)
    found = find_faults(Candidates(boxes, ~relative, bounds, has_image=image_index >= 0))
    faults = np.where(faults == 0, found, faults)
    boxes[~np.isfinite(boxes).all(1)] = np.nan
    is_rectangle = zeros.copy()
    for row, rectangle in (rectangles or {}).items():
        is_rectangle[row] = bool((np.abs(boxes[row] - rectangle) <= SAME_SIDE).all())
    counts = (warnings or {}) | {
        RECTANGLES: int(is_rectangle.sum()),
        REPEATED_IDS: len(duplicates(annotation_ids)),
        NO_ID: sum(id is None for id in annotation_ids),
        NO_CATEGORY: int(((category_index < 0) & (faults == 0)).sum()) if categories else 0,
        OVER_THE_BORDER: int((_over_the_border(boxes, bounds) & (faults == 0)).sum()),
    }
    return BoxDataset(
        path=path,
        format=format,
        image_ids=image_ids,
        file_names=file_names,
        widths=widths,
        heights=heights,
        annotation_ids=compact(annotation_ids),
        boxes=boxes,
        relative=relative,
        image_index=image_index,
        category_index=category_index,
        is_crowd=zeros if is_crowd is None else is_crowd,
        has_mask=zeros if has_mask is None else has_mask,
        is_rectangle=is_rectangle,
        is_rejected=zeros if is_rejected is None else is_rejected,
        box_form=box_form,
        faults=faults,
        categories=tuple(categories),
        scores=scores,
        rotated_if_unsized=rotated_if_unsized,
        warnings={name: count for name, count in counts.items() if count},
        records=records,
        image_records=image_records,
        members=members or {},
    )


def _over_the_border(boxes: Boxes, sizes: IntArray) -> Flags:
    """Tell which boxes reach beyond the image (N,), as far as its size is known."""
    x0, y0, x1, y1 = boxes.T
    width, height = sizes.T
    known = (width > 0) & (height > 0)
    over: Flags = known & ((x0 < 0) | (y0 < 0) | (x1 > width) | (y1 > height))
    return over


def sizes_of_rows(
    widths: npt.NDArray[np.int32],
    heights: npt.NDArray[np.int32],
    image_index: npt.NDArray[np.int32],
) -> IntArray:
    """Return the (width, height) of each row's image (N, 2); 0 if unknown."""
    # The row of zeros at the end is what index -1, no such image, finds.
    table = np.vstack([np.column_stack([widths, heights]), [[0, 0]]]).astype(np.int64)
    return table[image_index]
