"""The masks of a finished output, image by image, as windows."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from boxmask.data.annotated_file import AnnotatedFile
from boxmask.data.raw.members import split_members
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.export.rows import open_finished
from boxmask.rle import MOST_PIXELS, segmentation_runs, tight_window
from boxmask.window import Window


class Instance(NamedTuple):
    """One mask: its row in the dataset, its 1-based place among the boxes of its image."""

    row: int
    place: int
    window: Window


class ImageMasks(NamedTuple):
    """An image that has boxes, and those of them that have a mask; crowds are left out."""

    image: int
    width: int
    height: int
    boxes: int  # of the image, crowds aside
    left: int  # of these, without a mask because they were not to be annotated
    instances: list[Instance]


def masks_by_image(dataset: BoxDataset, out: Path) -> Iterator[ImageMasks]:
    """Yield every image that has boxes and a known, possible size, in the order of the dataset.

    The output is that of `dataset`: its annotations are the dataset's rows, one by one.
    """
    finished = open_finished(dataset, out)
    order, starts = dataset.rows_by_image()
    for image, (width, height) in enumerate(finished.sizes[:-1].tolist()):
        rows = order[starts[image] : starts[image + 1]].tolist()
        if rows and 0 < width * height <= MOST_PIXELS:
            boxes = [row for row in rows if not dataset.is_crowd[row]]
            instances = list(_instances(dataset, finished, rows, width, height))
            masked = {instance.row for instance in instances}
            left = sum(row not in masked and _is_left(finished.records[row]) for row in boxes)
            yield ImageMasks(image, width, height, len(boxes), left, instances)


def _instances(
    dataset: BoxDataset, finished: AnnotatedFile, rows: list[int], width: int, height: int
) -> Iterator[Instance]:
    for place, row in enumerate(rows, start=1):
        if dataset.is_crowd[row]:
            continue
        try:
            window = _window(finished.segmentation(row), width, height)
        except InputError as error:
            id = finished.ids[row]
            raise InputError(
                f"{finished.document.path}: annotations[{row}] (id {id!r}): {error}; mend it in "
                f"{dataset.path}, or have it predicted again with --overwrite."
            ) from error
        if window is not None:
            yield Instance(row, place, window)


def _is_left(record: bytes) -> bool:
    """Tell whether a run has left an annotation without a mask as it was."""
    return "boxmask" not in split_members(record)


def _window(segmentation: object | None, width: int, height: int) -> Window | None:
    """Read a mask as large as its pixels; None if it has none."""
    if segmentation is None:
        return None
    runs = segmentation_runs(segmentation, width=width, height=height)
    return tight_window(runs, width=width, height=height)
