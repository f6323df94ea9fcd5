"""The segmentation of a record: the only place that knows what one looks like in JSON."""

import msgspec

from boxmask.data.raw.document import decode_lenient
from boxmask.dataset import BoxDataset

# The shortest masks are longer: nothing beyond this length needs a look inside.
LONGEST_EMPTY = 64
_USUAL_EMPTY = frozenset({b"null", b"[]"})


class _Record(msgspec.Struct, gc=False):
    segmentation: object = None


_DECODER = msgspec.json.Decoder(_Record)


def segmentation(dataset: BoxDataset, row: int) -> object | None:
    """Return a row's segmentation as its file has it: polygons, or runs; None if there is none."""
    return segmentation_of(dataset.records[row]) if dataset.has_mask[row] else None


def segmentation_of(record: bytes) -> object | None:
    """Decode the segmentation of a record; None if it has none, or an empty one."""
    try:
        value = _DECODER.decode(record).segmentation
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Some key holds what Python's json accepts and a strict parser does not.
        values = decode_lenient(record)
        value = values.get("segmentation") if isinstance(values, dict) else None
    return value if _holds_a_mask(value) else None


def is_filled(raw: msgspec.Raw) -> bool:
    """Tell whether a segmentation holds anything: not null, [], [[]], {} or runs without counts."""
    if len(raw) > LONGEST_EMPTY:
        return True
    return bytes(raw) not in _USUAL_EMPTY and _holds_a_mask(decode_lenient(raw))


def _holds_a_mask(value: object) -> bool:
    if isinstance(value, dict):
        return bool(value.get("counts"))
    return any(value) if isinstance(value, list) else bool(value)
