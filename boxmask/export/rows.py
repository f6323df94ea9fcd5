"""The annotations of a finished output that have a mask, row by row, for exports in COCO form."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from boxmask.data.annotated_file import AnnotatedFile, open_annotated
from boxmask.data.raw.members import Members, split_members
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.export import Finished
from boxmask.mark import read_mark
from boxmask.rle import IntArray, segmentation_runs

_NULL = msgspec.Raw(b"null")


class MaskedRow(NamedTuple):
    """One annotation of the output, crowds included."""

    row: int
    image: int
    category: int
    width: int
    height: int
    segmentation: object
    runs: IntArray
    record: Members
    iou: float | None  # expected of a mask that was made; None of one that was there


def open_finished(dataset: BoxDataset, out: Path) -> AnnotatedFile:
    """Open an output whose annotations are the dataset's rows, one by one; else InputError."""
    output = open_annotated(out, dataset)
    if len(output.records) != len(dataset.annotation_ids):
        raise InputError(
            f"{out}: {len(output.records)} annotations, but {dataset.path} has "
            f"{len(dataset.annotation_ids)}; use boxmask check to see which differ."
        )
    return output


def masked_rows(
    finished: Finished, output: AnnotatedFile, notes: Counter[str]
) -> Iterator[MaskedRow]:
    """Yield the rows that have a mask, a sized image and a category; count the others."""
    dataset = finished.dataset
    for row in range(len(output.records)):
        image, category = int(dataset.image_index[row]), int(dataset.category_index[row])
        width, height = output.sizes[image].tolist()
        segmentation = output.segmentation(row)
        if segmentation is None:
            notes["annotations left out, without a mask"] += 1
        elif category < 0 or not width or not height:
            notes["annotations left out, without a category or an image of known size"] += 1
        else:
            record = split_members(output.records[row])
            mark = read_mark(record.get("boxmask", _NULL))
            runs = segmentation_runs(segmentation, width=width, height=height)
            iou = None if mark is None else mark.predicted_iou
            size = (width, height)
            yield MaskedRow(row, image, category, *size, segmentation, runs, record, iou)
