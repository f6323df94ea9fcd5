"""Masks put back into the files that their boxes came from; all else in them stays as it is.

A mask that a run has made takes the place of its box, or is put beside it. Boxes without a new mask
and masks that were there already are not touched.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from msgspec import UNSET

from boxmask.data.raw.members import split_members
from boxmask.errors import RunError
from boxmask.export import Finished, ShapeKind
from boxmask.export.rows import open_finished
from boxmask.mark import Mark, Status, read_mark
from boxmask.outlines import Outline, outline
from boxmask.rle import IntArray, compress, segmentation_runs, tight_window
from boxmask.window import Bits, Window

T = TypeVar("T")

EDITORS_TOLERANCE = 1.0  # pixels, of polygons for people to edit, where nothing is said of it


class Edit(NamedTuple):
    """Bytes that take the place of those from `start` to `end` of a file."""

    start: int
    end: int
    text: bytes


def spliced(data: memoryview, edits: Iterable[Edit]) -> Iterator[bytes | memoryview]:
    """Yield a file with its edits, which come in order."""
    at = 0
    for edit in edits:
        yield data[at : edit.start]
        yield edit.text
        at = edit.end
    yield data[at:]


class NewMask(NamedTuple):
    """A mask that was made, of an image of this size."""

    row: int
    width: int
    height: int
    segmentation: object
    runs: IntArray
    mark: Mark

    @property
    def iou(self) -> float:
        """The IoU to expect of the mask."""
        return self.mark.predicted_iou or 0.0

    @property
    def window(self) -> Window:
        """The pixels that hold the mask, no more."""
        window = tight_window(self.runs, width=self.width, height=self.height)
        trimmed = None if window is None else window.trimmed()
        if trimmed is None:
            raise RunError(f"annotation {self.row + 1} of the output has an empty mask.")
        return trimmed

    def whole(self) -> Bits:
        """Return the pixels of the image (H, W), rows first."""
        window, bits = self.window, np.zeros((self.height, self.width), np.bool_)
        w, h = window.bits.shape
        bits[window.y : window.y + h, window.x : window.x + w] = window.bits.T
        return bits

    def rle(self) -> dict[str, object]:
        """Write the mask as COCO's compressed runs."""
        counts = compress(self.runs, width=self.width, height=self.height)
        return {"size": [self.height, self.width], "counts": counts.decode("ascii")}


class NewMasks:
    """The masks of a finished output that are to be put back, and what there is to say of them."""

    def __init__(self, finished: Finished, usual: ShapeKind = "masks") -> None:
        self._finished = finished
        self._output = open_finished(finished.dataset, finished.out)
        self._order, self._starts = finished.dataset.rows_by_image()
        shapes = finished.options.shapes
        self.as_polygons = (usual if shapes == "auto" else shapes) == "polygons"
        self.counts = Counter[str]()
        self._ious: list[float] = []

    def of_image(self, image: int, shapes: Sequence[T]) -> Iterator[tuple[T, NewMask]]:
        """Yield the shapes of an image that have a new mask, with it; the others are counted.

        Each shape has become one row when it was read, in the same order.
        """
        rows = self._order[self._starts[image] : self._starts[image + 1]].tolist()
        if len(rows) != len(shapes):
            dataset = self._finished.dataset
            raise RunError(
                f"{dataset.path}: {dataset.file_names[image]} has {len(shapes)} shapes, and had "
                f"{len(rows)} when it was read: start again with --fresh."
            )
        for row, shape in zip(rows, shapes, strict=True):
            mask = self.of_row(row)
            if mask is not None:
                yield shape, mask

    def of_row(self, row: int) -> NewMask | None:
        """Return the mask of a row; None, and counted, if it has no new one."""
        record = split_members(self._output.records[row])
        mark = read_mark(record["boxmask"]) if "boxmask" in record else None
        width, height = self._output.sizes[self._finished.dataset.image_index[row]].tolist()
        segmentation = self._output.segmentation(row)
        if mark is None or mark.status != Status.OK or segmentation is None:
            self.counts["boxes and masks left as they are"] += 1
            return None
        runs = segmentation_runs(segmentation, width=width, height=height)
        return NewMask(row, width, height, segmentation, runs, mark)

    def polygons(self, mask: NewMask) -> list[list[float]]:
        """Outline a mask for people to edit: as the output has it, if that has few vertices."""
        finished = self._finished
        if finished.tolerance is not None and isinstance(mask.segmentation, list):
            found = Outline(mask.segmentation, mask.runs, _told(mask.mark))
        else:
            found = outline(
                mask.window,
                width=mask.width,
                height=mask.height,
                tolerance=finished.tolerance or EDITORS_TOLERANCE,
                max_vertices=finished.max_vertices,
            )
        self._ious.append(found.iou)
        self.counts["objects in several polygons"] += len(found.polygons) > 1
        return found.polygons

    def notes(self) -> dict[str, float]:
        """Return what to say of the export."""
        ious = self._ious
        lost = {"mean IoU of the polygons": round(sum(ious) / len(ious), 4)} if ious else {}
        return {
            **self.counts,
            **lost,
            **({"lowest IoU of the polygons": round(min(ious), 4)} if ious else {}),
        }


def _told(mark: Mark) -> float:
    return 1.0 if mark.outline_iou is UNSET else mark.outline_iou
