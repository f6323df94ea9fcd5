"""How turned boxes of a COCO file are written: as five numbers, four corners, or an angle beside.

Letters: N boxes. Corners are x, y, x, y, ... in order round the box, in pixels.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from boxmask.data.boxes import DECIMALS, Boxes, pixel_corners
from boxmask.data.numbers import as_number
from boxmask.data.sources.units import from_size, turned_about_centre
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.turned import to_image
from boxmask.unreadable import UNREADABLE

SEGMENTATION = "segmentation"  # the form of a file whose segmentations are its turned boxes
_UNITS = ("degrees", "radians")
_LONGEST = 400  # bytes of four corners
Eight = Annotated[list[float], msgspec.Meta(min_length=8, max_length=8)]


class _Mark(msgspec.Struct):
    turned_box: Eight


class _Attributes(msgspec.Struct):
    rotation: float
    occluded: object  # beside it wherever CVAT writes one


_MARK, _ATTRIBUTES = msgspec.json.Decoder(_Mark), msgspec.json.Decoder(_Attributes)


def is_turned(form: str) -> bool:
    """Tell whether a form of boxmask.formats.BoxForm is about five numbers."""
    return form.endswith(_UNITS)


def to_corners(numbers: Boxes, form: str) -> Boxes:
    """Turn five numbers (N, 5) of a form into corners (N, 8).

    The first two are the centre, or the upper left corner of the box before it is turned about its
    centre; then width, height and angle.
    """
    place, sense, unit = form.split("-")
    size = numbers[:, 2:4]
    centre = numbers[:, :2] + (size / 2 if place == "xywh" else 0)
    angles = np.radians(numbers[:, 4]) if unit == "degrees" else numbers[:, 4]
    half = size[:, None] / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    turned = to_image(half, (angles if sense == "cw" else -angles)[:, None])
    return (centre[:, None] + turned).reshape(-1, 8)


def marked_corners(mark: bytes) -> Sequence[float] | None:
    """Return the turned box that the mark of an earlier run holds."""
    if b'"turned_box"' not in mark:
        return None
    try:
        return _MARK.decode(mark).turned_box
    except UNREADABLE:
        return None


def turned_box(
    dataset: BoxDataset, row: int, size: tuple[int, int] | None
) -> msgspec.Raw | UnsetType:
    """Write the corners of a row's turned box for a mark, in pixels of an image of that size.

    UNSET where the box is upright, or where its size is not known and matters.
    """
    if dataset.turned is None or (dataset.relative[row] and size is None):
        return UNSET
    corners = pixel_corners(dataset, np.array([row]), *(size or (0, 0)))
    if corners is None:
        return UNSET
    return msgspec.Raw(msgspec.json.encode(corners[0].ravel().round(DECIMALS).tolist()))


def cvat_corners(bbox: Sequence[float], attributes: bytes) -> Sequence[float] | None:
    """Turn x, y, w, h by the rotation that CVAT writes among the attributes, if there is one.

    It is in degrees, clockwise about the centre.
    """
    if b'"rotation"' not in attributes:
        return None
    try:
        degrees = _ATTRIBUTES.decode(attributes).rotation
    except UNREADABLE:
        return None
    x, y, w, h = bbox
    return turned_about_centre(from_size(x, y, w, h), degrees) if degrees % 360 else None


def outlined_corners(segmentation: bytes) -> Sequence[float] | None:
    """Return the corners of a segmentation that is one polygon of four.

    As COCO has it, x, y, x, y, ..., or as pairs x, y; the first corner once more at the end or not.
    """
    if len(segmentation) > _LONGEST:
        return None
    try:
        found = msgspec.json.decode(segmentation)
    except UNREADABLE:
        return None
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], list):
        found = found[0]
    items = found if isinstance(found, list) else []
    flat = [side for item in items for side in (item if isinstance(item, list) else [item])]
    if len(flat) == 10 and flat[:2] == flat[-2:]:
        del flat[-2:]
    return numbers_of(flat, 8)


def numbers_of(value: object, count: int) -> list[float] | None:
    """Return a list of so many finite numbers as that; None for anything else."""
    if not isinstance(value, list) or len(value) != count or any(type(v) is bool for v in value):
        return None
    found = [number for side in value if (number := as_number(side)) is not None]
    return found if len(found) == count else None


def require_said(path: Path, five: Mapping[int, Sequence[float]], boxes: int) -> None:
    """Raise InputError if half of the boxes of a file have five numbers, and no form is said."""
    if not five or 2 * len(five) < boxes:
        return
    shown = ", ".join(f"{number:g}" for number in next(iter(five.values())))
    raise InputError(
        f"{path}: {len(five):,} of {boxes:,} boxes have five numbers, as turned boxes have; the "
        f"first is [{shown}]. Say what they are: --bbox cxcywh-ccw-degrees (centre, size, degrees "
        "anticlockwise: detectron2), cxcywh-cw-radians (mmrotate), xywh-ccw-radians (x and y "
        "before turning: ODTK), or another of {cxcywh,xywh}-{cw,ccw}-{degrees,radians}; in Python "
        "bbox=."
    )
