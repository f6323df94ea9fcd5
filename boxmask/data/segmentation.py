"""The segmentation of a record, decoded only when somebody asks for it."""

import msgspec

from boxmask.data.document import loads
from boxmask.dataset import BoxDataset
from boxmask.errors import InputError

# The shortest real ones are longer: nothing beyond this length needs a look inside.
SHORT = 64
_NOTHING = frozenset({b"null", b"[]"})  # what nearly all empty ones are


class _Record(msgspec.Struct, gc=False):
    segmentation: object = None


_DECODER = msgspec.json.Decoder(_Record)


def segmentation(dataset: BoxDataset, row: int) -> object | None:
    """Return a row's segmentation as its file has it: polygons, or runs; None if there is none."""
    if not dataset.has_mask[row]:
        return None
    record = dataset.records[row]
    try:
        return _DECODER.decode(record).segmentation
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = loads(record)
    if not isinstance(value, dict):
        raise InputError(f"{dataset.path}: record {row} is not an object.")
    return value.get("segmentation")


def is_filled(raw: msgspec.Raw) -> bool:
    """Tell whether a segmentation holds anything: not null, [], [[]], {} or runs without counts."""
    if len(raw) > SHORT:
        return True
    if bytes(raw) in _NOTHING:
        return False
    value = loads(raw)
    if isinstance(value, dict):
        return bool(value.get("counts"))
    return any(value) if isinstance(value, list) else bool(value)
