"""The segmentation of a record: the only place that knows what one looks like in JSON."""

from collections.abc import Sequence

import msgspec

from boxmask.data.boxes import DECIMALS
from boxmask.data.raw.document import decode_lenient
from boxmask.data.raw.repair import is_word
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError
from boxmask.unreadable import UNREADABLE

# The shortest masks are longer: nothing beyond this length needs a look inside.
LONGEST_EMPTY = 128
_USUAL_EMPTY = frozenset({b"null", b"[]"})


class _Record(msgspec.Struct, gc=False):
    segmentation: object = None


class _Relative(msgspec.Struct):
    segmentation_relative: list[list[float]] = []


_RELATIVE = msgspec.json.Decoder(_Relative)
_LONGEST_RECTANGLE = 300  # bytes
_POLYGONS = msgspec.json.Decoder(list[list[float]])
_DECODER = msgspec.json.Decoder(_Record)
_ANYTHING = msgspec.json.Decoder()


def segmentation(dataset: BoxDataset, row: int, size: tuple[int, int]) -> object | None:
    """Return a row's segmentation: polygons, or runs; None if there is none.

    It is as its file has it, but what is in fractions of the image becomes pixels by the image's
    size, (width, height).
    """
    if not dataset.has_mask[row]:
        return None
    record = dataset.records[row]
    return segmentation_of(record) or in_pixels(record, size)


def in_pixels(record: bytes, size: tuple[int, int]) -> list[list[float]] | None:
    """Return the polygons that a record has in fractions of an image, in its pixels."""
    try:
        polygons = _RELATIVE.decode(record).segmentation_relative
    except UNREADABLE:
        return None
    return [scaled(polygon, size) for polygon in polygons] or None


def scaled(polygon: Sequence[float], size: tuple[float, float]) -> list[float]:
    """Return a polygon x, y, x, y, ... with each x and each y times that of `size`."""
    return [round(side * size[place % 2], DECIMALS) for place, side in enumerate(polygon)]


def segmentation_of(record: bytes) -> object | None:
    """Decode the segmentation of a record; None if it has none, or an empty one."""
    value = raw_segmentation_of(record)
    return value if _holds_a_mask(value) else None


def raw_segmentation_of(record: bytes) -> object | None:
    """Decode the segmentation of a record as it is; None if it has none."""
    try:
        return _DECODER.decode(record).segmentation
    except UNREADABLE:
        # Some key holds what Python's json accepts and a strict parser does not.
        try:
            values = decode_lenient(record)
        except ValueError as error:
            raise InputError(f"a record that cannot be decoded: {error}") from error
        found: object = values.get("segmentation") if isinstance(values, dict) else None
        return found


def is_filled(raw: msgspec.Raw) -> bool:
    """Tell whether a segmentation holds anything: not null, [], [[]], {} or runs of no pixel."""
    if len(raw) > LONGEST_EMPTY:
        return True
    text = bytes(raw)
    return text not in _USUAL_EMPTY and not is_word(text) and _holds_a_mask(_decoded(text))


def _decoded(text: bytes) -> object:
    """Decode a short value: by the fast parser, or by Python's where that one is too strict."""
    try:
        return _ANYTHING.decode(text)
    except UNREADABLE:
        return decode_lenient(text)


def as_rectangle(raw: bytes) -> tuple[float, float, float, float] | None:
    """Return the sides (x0, y0, x1, y1) of an upright rectangle of four corners, None for others.

    Either winding, any corner first, and the first corner once more at the end or not.
    """
    if len(raw) > _LONGEST_RECTANGLE or bytes(raw).count(b",") not in (7, 9):
        return None
    try:
        (ring,) = _POLYGONS.decode(raw)
    except (*UNREADABLE, ValueError):
        return None
    points = list(zip(ring[::2], ring[1::2], strict=False))
    if len(points) == 5 and points.pop() != points[0]:
        return None
    x0, x1 = min(ring[::2]), max(ring[::2])
    y0, y1 = min(ring[1::2]), max(ring[1::2])
    around = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    if points[0] not in around:
        return None
    start = around.index(points[0])
    turned = around[start:] + around[:start]
    return (x0, y0, x1, y1) if points in (turned, turned[:1] + turned[:0:-1]) else None


def _holds_a_mask(value: object) -> bool:
    if isinstance(value, dict):
        return _holds_a_pixel(value.get("counts"))
    if isinstance(value, float) and value != value:
        return False  # a table has NaN where it has nothing
    return any(value) if isinstance(value, list) else bool(value)


def _holds_a_pixel(counts: object) -> bool:
    """Tell whether counts go on after the first, which is of background."""
    if isinstance(counts, list):
        return any(counts[1::2])
    # In a text every number ends with the first character that lacks the bit 0x20 (less 48).
    return isinstance(counts, str) and any(not (ord(c) - 48) & 0x20 for c in counts[:-1])
