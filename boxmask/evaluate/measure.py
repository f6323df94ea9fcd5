"""Measures one instance: the IoU and the boundary IoU of its true mask with each prediction.

Letters: n instances of a chunk, K systems. Work goes with the size of the masks, not of the image.
"""

import msgspec
import numpy as np

from boxmask import rle
from boxmask.data.document import loads
from boxmask.dataset import IntArray
from boxmask.errors import InputError
from boxmask.evaluate.boundary import BoolArray, band_width, boundary, iou
from boxmask.evaluate.maskfile import FloatArray, MaskFile

Size = tuple[int, int]  # width, height


class Located(msgspec.Struct, frozen=True):
    """The JSON of an annotation, and how a message names it."""

    record: bytes
    where: str


class Instance(msgspec.Struct, frozen=True):
    """A true mask and its K predictions, None where a system has none."""

    size: Size  # 0, 0 where the image record does not say
    true: Located
    predicted: tuple[Located | None, ...]


class _Masked(msgspec.Struct):
    segmentation: object = None


def located(file: MaskFile, row: int) -> Located:
    """Return an annotation of a file, with its name for messages."""
    return Located(file.records[row], file.name(row))


def measure(instances: list[Instance]) -> FloatArray:
    """Return (n, 1 + 2 K): true area in pixels, then IoU and boundary IoU of each system."""
    return np.array([_measure(instance) for instance in instances], dtype=np.float64)


def mask_runs(located: Located, size: Size) -> tuple[IntArray, Size]:
    """Decode an annotation's mask as counts of runs, and the size of the image they fill."""
    segmentation = _segmentation(located.record)
    if not all(size):
        size = _own_size(segmentation, located.where)
    try:
        width, height = size
        return rle.segmentation_runs(segmentation, width=width, height=height), size
    except InputError as error:
        raise InputError(f"{located.where}: {error}") from error


def mask_rle(located: Located, size: Size) -> dict[str, object]:
    """Decode an annotation's mask as the compressed RLE object of pycocotools."""
    counts, (width, height) = mask_runs(located, size)
    compressed = rle.compress(counts, width=width, height=height)
    return {"size": [height, width], "counts": compressed}


def _measure(instance: Instance) -> list[float]:
    true, size = mask_runs(instance.true, instance.size)
    row = [float(rle.area(true))]
    for located in instance.predicted:
        if located is None:
            row += [0.0, 0.0]
            continue
        predicted, _ = mask_runs(located, size)
        row += _overlap(true, predicted, size)
    return row


def _overlap(true: IntArray, predicted: IntArray, size: Size) -> tuple[float, float]:
    """Return the IoU and the boundary IoU of two masks, in a window that holds both."""
    corners = [box for box in (_corners(true, size), _corners(predicted, size)) if box[2] > box[0]]
    if not corners:
        return 0.0, 0.0
    lows, highs = np.min(corners, axis=0), np.max(corners, axis=0)
    box = (lows[0], lows[1], highs[2], highs[3])
    first, second = _bits(true, size, box), _bits(predicted, size, box)
    band = band_width(*size)
    return iou(first, second), iou(boundary(first, band), boundary(second, band))


def _corners(counts: IntArray, size: Size) -> tuple[int, int, int, int]:
    x, y, w, h = rle.bounds(counts, height=size[1])
    return x, y, x + w, y + h


def _bits(counts: IntArray, size: Size, box: tuple[int, int, int, int]) -> BoolArray:
    return rle.runs_window(counts, width=size[0], height=size[1], box=box).bits


def _segmentation(record: bytes) -> object:
    try:
        return msgspec.json.decode(record, type=_Masked).segmentation
    except msgspec.DecodeError:
        value = loads(record)
        return value.get("segmentation") if isinstance(value, dict) else None


def _own_size(segmentation: object, where: str) -> Size:
    size = segmentation.get("size") if isinstance(segmentation, dict) else None
    if not isinstance(size, list) or len(size) != 2:
        raise InputError(
            f"{where}: neither the image record nor the mask says how large the image is; "
            "add its width and height."
        )
    return size[1], size[0]
