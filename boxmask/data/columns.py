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
from boxmask.turned import (
    FARTHEST,
    LEAST_EXACT,
    SAME_SIDE,
    bounds_of,
    is_upright,
    rectified,
    shares_filled,
)

REPEATED_IDS = "annotation ids that occur more than once"
NO_ID = "annotations without an id"
OVER_THE_BORDER = "boxes partly outside their image"
TURNED = "turned boxes"
INEXACT = "turned boxes that are no exact rectangle: the smallest around their corners is taken"
RECTANGLES = "segmentations that are just their box"
NO_CATEGORY = "annotations of a category that the file does not list"
_SAME_FRACTION = 1e-6  # of an image: what tells an upright box from a turned one


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
    turned: Mapping[int, Sequence[float]] | None = None,
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
    of a box, (x0, y0, x1, y1) by row; `turned` are the corners x, y, x, y, ... of boxes that may be
    turned, in order round each, by row and in the unit of `xywh`, which they replace. A column that
    is left out is all zeros. `warnings` are the reader's own counts.
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
    outlines = _turned_corners(turned or {}, boxes, np.where(scaled[:, None], sizes, 1), relative)
    bounds = np.where(relative[:, None], 1, sizes)
    found = find_faults(Candidates(boxes, ~relative, bounds, image_index >= 0, outlines))
    faults = np.where(faults == 0, found, faults)
    turned_counts = _count_turned(outlines, ~relative & (faults == 0))
    if outlines is not None:
        _take_rectangles(outlines, boxes, ~relative & (faults == 0))
    boxes[~np.isfinite(boxes).all(1)] = np.nan
    is_rectangle = zeros.copy()
    for row, rectangle in (rectangles or {}).items():
        is_rectangle[row] = bool((np.abs(boxes[row] - rectangle) <= SAME_SIDE).all())
    counts = (warnings or {}) | {
        **turned_counts,
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
        turned=outlines,
        rotated_if_unsized=rotated_if_unsized,
        warnings={name: count for name, count in counts.items() if count},
        records=records,
        image_records=image_records,
        members=members or {},
    )


def images_alone(path: Path, file_names: Sequence[str]) -> BoxDataset:
    """Build a dataset of images that have no box yet, as COCO that would lie at `path`."""
    none, unknown = np.zeros(0, np.int32), np.zeros(len(file_names), np.int32)
    return build_dataset(
        path,
        "coco",
        image_ids=range(len(file_names)),
        file_names=file_names,
        widths=unknown,
        heights=unknown,
        annotation_ids=(),
        xywh=np.zeros((0, 4)),
        image_index=none,
        category_index=none,
        categories=(),
    )


def _turned_corners(
    turned: Mapping[int, Sequence[float]], boxes: Boxes, scale: Boxes, relative: Flags
) -> Boxes | None:
    """Spread corners over all rows (N, 4, 2), times `scale` (N, 2), NaN where a box is upright.

    Their bounds take their places in `boxes` (N, 4). None if no box is turned.
    """
    rows = np.fromiter(turned, np.int64, len(turned))
    given = np.array([turned[row] for row in turned], np.float64).reshape(-1, 4, 2)
    with np.errstate(over="ignore"):
        given *= scale[rows, None]
    given[np.abs(given) > FARTHEST] = np.nan
    boxes[rows] = bounds_of(given)
    tolerance = np.where(relative[rows], _SAME_FRACTION, SAME_SIDE)
    kept = np.flatnonzero(np.isfinite(given).all(axis=(1, 2)))
    kept = kept[~is_upright(given[kept], tolerance[kept])]
    if not len(kept):
        return None
    corners = np.full((len(boxes), 4, 2), np.nan)
    corners[rows[kept]] = given[kept]
    return corners


def _take_rectangles(corners: Boxes, boxes: Boxes, sound: Flags) -> None:
    """Make rectangles of the corners (N, 4, 2) of sound boxes (N,), and boxes (N, 4) the bounds."""
    rows = np.flatnonzero(sound & np.isfinite(corners).all(axis=(1, 2)))
    corners[rows] = rectified(corners[rows])
    boxes[rows] = bounds_of(corners[rows])


def _count_turned(corners: Boxes | None, sound: Flags) -> dict[str, int]:
    """Count the turned boxes, and those among the sound ones (N,) that are no exact rectangle."""
    if corners is None:
        return {}
    turned = np.isfinite(corners).all(axis=(1, 2))
    exact = shares_filled(corners[turned & sound]) >= LEAST_EXACT
    return {TURNED: int(turned.sum()), INEXACT: int((~exact).sum())}


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
