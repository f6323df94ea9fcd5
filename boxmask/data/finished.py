"""A finished output, read back record by record beside the dataset that it was made from.

Letters: I images of the dataset, K annotations of the output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from boxmask.data.document import Document, open_document
from boxmask.data.ids import as_id, column
from boxmask.data.images import read_images
from boxmask.data.records import Records, cut, decode
from boxmask.dataset import BoxDataset, Id, IntArray
from boxmask.errors import InputError


@dataclass(frozen=True, eq=False)
class Finished:
    """The annotations of an output in COCO form, and the size of each image."""

    document: Document
    records: Records  # (K,)
    ids: Sequence[Id]  # (K,)
    sizes: IntArray  # (I, 2) width and height: the dataset's, else the output's, else 0


class _HasId(msgspec.Struct, gc=False):
    id: int | str | float | None = None


def open_finished(path: Path, dataset: BoxDataset) -> Finished:
    """Open an output; InputError if it is not a file in COCO form."""
    document = open_document(path)
    for key in ("images", "annotations"):
        if key not in document.members:
            raise InputError(
                f'{path}: there is no "{key}" at the top level; an output of boxmask annotate was '
                "expected."
            )
    records = cut(document, "annotations")
    chunks = decode(document, records, "annotations", _HasId, _loose)
    ids = column([row.id for _, rows in chunks for row in rows])
    return Finished(document, records, ids, _sizes(document, dataset))


def _sizes(document: Document, dataset: BoxDataset) -> IntArray:
    sizes = np.stack([dataset.widths, dataset.heights], axis=1).astype(np.int64)
    if sizes.all():
        return sizes
    images = read_images(document)
    for index in np.flatnonzero(~sizes.all(axis=1)).tolist():
        position = images.positions.get(dataset.image_ids[index], -1)
        if position >= 0:
            sizes[index] = images.widths[position], images.heights[position]
    return sizes


def _loose(values: dict[str, object]) -> _HasId:
    return _HasId(as_id(values.get("id")))
