"""Which images and which annotations are shown."""

from fnmatch import fnmatchcase
from typing import NamedTuple

import msgspec
import numpy as np

from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.show.job import Show
from boxmask.unreadable import UNREADABLE


class Tile(NamedTuple):
    """One picture to draw: an image with some of its rows, whole or close to the first of them."""

    image: int
    rows: list[int]
    close: bool


class _Mark(msgspec.Struct):
    predicted_iou: float | None = None


class _Record(msgspec.Struct):
    boxmask: _Mark | None = None


def tiles(job: Show, dataset: BoxDataset) -> list[Tile]:
    """Choose what to draw: instances by themselves where they are asked for, else images."""
    images = _chosen_images(job, dataset)
    if job.ids or job.worst is not None:
        rows = _chosen_rows(job, dataset, images)
        return [Tile(int(dataset.image_index[row]), [row], close=True) for row in rows]
    order, starts = dataset.rows_by_image()
    found = [
        Tile(image, order[starts[image] : starts[image + 1]].tolist(), close=False)
        for image in images
    ]
    return [tile for tile in found if tile.rows or job.only]


def _chosen_images(job: Show, dataset: BoxDataset) -> list[int]:
    if not job.only:
        return list(range(len(dataset.image_ids)))
    chosen: set[int] = set()
    for wanted in job.only:
        matches = {
            image
            for image, (id, name) in enumerate(
                zip(dataset.image_ids, dataset.file_names, strict=True)
            )
            if str(id) == wanted or fnmatchcase(name, wanted)
        }
        if not matches:
            raise InputError(f"{dataset.path}: no image has the id or the file name {wanted!r}.")
        chosen |= matches
    return sorted(chosen)


def _chosen_rows(job: Show, dataset: BoxDataset, images: list[int]) -> list[int]:
    """Return the instances that are asked for, the worst first if it is the worst."""
    usable = np.isin(dataset.image_index, images)
    if job.ids:
        ids = [str(id) for id in dataset.annotation_ids]
        missing = [id for id in job.ids if id not in ids]
        if missing:
            raise InputError(f"{dataset.path}: no annotation has the id {missing[0]!r}.")
        usable &= np.isin(ids, job.ids)
    rows = [int(row) for row in np.flatnonzero(usable)]
    if job.worst is None:
        return rows
    expected = {row: iou for row in rows if (iou := expected_iou(dataset, row)) is not None}
    if not expected:
        raise InputError(
            f"{dataset.path}: no annotation has a predicted_iou, so none is the worst; give a file "
            "that boxmask annotate wrote."
        )
    return sorted(expected, key=lambda row: (expected[row], row))[: job.worst]


def expected_iou(dataset: BoxDataset, row: int) -> float | None:
    """Return the IoU that the network expected of its mask; None if the file does not say."""
    try:
        mark = msgspec.json.decode(dataset.records[row], type=_Record).boxmask
    except (*UNREADABLE, IndexError):  # the key, if any, is somebody else's
        return None
    return None if mark is None else mark.predicted_iou
