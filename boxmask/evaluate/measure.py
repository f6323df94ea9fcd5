"""Measures each instance by every metric: its true mask with the prediction of each system.

Shapes: n instances of a chunk, K systems. Work goes with the size of the masks, not of the image.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from boxmask import rle
from boxmask.data.numbers import as_side
from boxmask.data.segmentation import raw_segmentation_of
from boxmask.dataset import IntArray
from boxmask.errors import InputError
from boxmask.evaluate.boundary import BoolArray
from boxmask.evaluate.mask_file import FloatArray, MaskFile
from boxmask.evaluate.metrics import MaskPair, Metric, Size


class MaskRecord(msgspec.Struct, frozen=True):
    """The JSON of an annotation, and how a message names it."""

    json: bytes
    where: str


class InstanceMasks(msgspec.Struct, frozen=True):
    """A true mask and its K predictions, None where a system has none."""

    size: Size  # 0, 0 where the image record does not say
    true: MaskRecord
    predicted: tuple[MaskRecord | None, ...]


class Measurements(NamedTuple):
    """What was measured of n instances."""

    areas: FloatArray  # (n,) pixels of the true masks
    values: list[dict[str, FloatArray]]  # of each of K systems, by metric (n,)


def mask_record(file: MaskFile, row: int) -> MaskRecord:
    """Return an annotation of a file, with its name for messages."""
    return MaskRecord(file.records[row], file.name(row))


def measure(instances: Sequence[InstanceMasks], metrics: Mapping[str, Metric]) -> Measurements:
    """Measure a chunk of instances, at least one."""
    areas = np.empty(len(instances))
    systems = [{name: np.empty(len(instances)) for name in metrics} for _ in instances[0].predicted]
    for place, instance in enumerate(instances):
        true, size = mask_runs(instance.true, instance.size)
        areas[place] = rle.area(true)
        for values, record in zip(systems, instance.predicted, strict=True):
            pair = None if record is None else pair_of(true, mask_runs(record, size)[0], size)
            for name, metric in metrics.items():
                values[name][place] = metric.missing if pair is None else metric.measure(pair)
    return Measurements(areas, systems)


def join(parts: Sequence[Measurements]) -> Measurements:
    """Put chunks together in their order."""
    systems = zip(*(part.values for part in parts), strict=True)
    return Measurements(
        np.concatenate([part.areas for part in parts]),
        [
            {name: np.concatenate([values[name] for values in chunks]) for name in chunks[0]}
            for chunks in systems
        ],
    )


def mask_runs(record: MaskRecord, size: Size) -> tuple[IntArray, Size]:
    """Decode an annotation's mask as counts of runs, and the size of the image they fill."""
    try:
        segmentation = raw_segmentation_of(record.json)
    except InputError as error:
        raise InputError(f"{record.where}: {error}") from error
    if not all(size):
        size = _own_size(segmentation, record.where)
    try:
        width, height = size
        return rle.segmentation_runs(segmentation, width=width, height=height), size
    except InputError as error:
        raise InputError(f"{record.where}: {error}") from error


def mask_rle(record: MaskRecord, size: Size) -> dict[str, object]:
    """Decode an annotation's mask as the compressed RLE object of pycocotools."""
    counts, (width, height) = mask_runs(record, size)
    compressed = rle.compress(counts, width=width, height=height)
    return {"size": [height, width], "counts": compressed}


def pair_of(true: IntArray, predicted: IntArray, size: Size) -> MaskPair:
    """Fill a window that holds two masks given as runs."""
    found = [box for box in (_corners(true, size), _corners(predicted, size)) if box[2] > box[0]]
    corners = np.array(found or [(0, 0, 0, 0)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    box = (low[0], low[1], high[2], high[3])
    return MaskPair(_bits(true, size, box), _bits(predicted, size, box), size)


def _corners(counts: IntArray, size: Size) -> tuple[int, int, int, int]:
    x, y, w, h = rle.bounding_box(counts, height=size[1])
    return x, y, x + w, y + h


def _bits(counts: IntArray, size: Size, box: tuple[int, int, int, int]) -> BoolArray:
    return rle.runs_window(counts, width=size[0], height=size[1], box=box).bits


def _own_size(segmentation: object, where: str) -> Size:
    size = segmentation.get("size") if isinstance(segmentation, dict) else None
    if not isinstance(size, list) or len(size) != 2 or not all(map(as_side, size)):
        raise InputError(
            f"{where}: neither the image record nor the mask says how large the image is; "
            "add its width and height."
        )
    return as_side(size[1]), as_side(size[0])
