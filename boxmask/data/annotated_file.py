"""A finished output, read back record by record beside the dataset that it was made from.

Letters: I images of the dataset, K annotations of the output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from boxmask.data.ids import compact
from boxmask.data.images import read_images
from boxmask.data.numbers import as_id
from boxmask.data.raw.document import Document, open_document
from boxmask.data.raw.records import Records, decode_records, slice_list
from boxmask.data.segmentation import segmentation_of
from boxmask.dataset import BoxDataset, Id, IntArray
from boxmask.errors import InputError


@dataclass(frozen=True, eq=False)
class AnnotatedFile:
    """The annotations of an output in COCO form, and the size of each image."""

    document: Document
    records: Records  # (K,)
    ids: Sequence[Id]  # (K,)
    # Width and height of each image: the dataset's, else the output's, else 0. The row of zeros at
    # the end is what index -1, no such image, finds.
    sizes: IntArray  # (I + 1, 2)

    def segmentation(self, position: int) -> object | None:
        """Decode the mask of an annotation; None if it has none."""
        return segmentation_of(self.records[position])


class _HasId(msgspec.Struct, gc=False):
    id: int | str | float | None = None


def open_annotated(path: Path, dataset: BoxDataset) -> AnnotatedFile:
    """Open an output; InputError if it is not a file in COCO form."""
    document = open_document(path)
    for key in ("images", "annotations"):
        if key not in document.members:
            raise InputError(
                f'{path}: there is no "{key}" at the top level; an output of boxmask annotate was '
                "expected."
            )
    records = slice_list(document, "annotations")
    chunks = decode_records(document, records, "annotations", _HasId, _lenient)
    ids = compact([row.id for _, rows in chunks for row in rows])
    return AnnotatedFile(document, records, ids, _sizes(document, dataset))


def _sizes(document: Document, dataset: BoxDataset) -> IntArray:
    sizes = np.zeros((len(dataset.image_ids) + 1, 2), np.int64)
    sizes[:-1, 0], sizes[:-1, 1] = dataset.widths, dataset.heights
    unknown = np.flatnonzero(~sizes[:-1].all(axis=1)).tolist()
    if unknown:
        images = read_images(document)
        for index in unknown:
            position = images.positions.get(dataset.image_ids[index], -1)
            if position >= 0:
                sizes[index] = images.widths[position], images.heights[position]
    return sizes


def _lenient(values: dict[str, object]) -> _HasId:
    return _HasId(as_id(values.get("id")))
