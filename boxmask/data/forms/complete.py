"""What readers of COCO ask of every annotation, where the input does not say it.

pycocotools and all that builds on it stop at an annotation without one of these keys.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
import numpy as np

from boxmask.data.forms.base import Size
from boxmask.data.segmentation import is_filled
from boxmask.rle import compress

_NULL = msgspec.Raw(b"null")
ASKED: Mapping[str, msgspec.Raw] = MappingProxyType(
    {"id": _NULL, "image_id": _NULL, "category_id": _NULL, "iscrowd": msgspec.Raw(b"0")}
)


def complete(record: dict[str, object]) -> dict[str, object]:
    """Return an annotation with the keys that it lacks, as COCO says "none" and "no"."""
    return record | {key: raw for key, raw in ASKED.items() if key not in record}


def without_mask(record: Mapping[str, object], size: Size | None) -> dict[str, object]:
    """Return a record that has no mask with an empty one, and an area if it has none.

    A record with a segmentation stays as it is, and so does one whose image has no known size.
    """
    fields = dict(record)
    if size is None or is_filled(_raw(fields.get("segmentation"))):
        return fields
    fields["segmentation"] = empty_mask(size)
    if _raw(fields.get("area")) == _NULL:
        fields["area"] = msgspec.Raw(b"0")
    return fields


def empty_mask(size: Size) -> msgspec.Raw:
    """Write the run lengths of no pixel at all, of an image (width, height)."""
    width, height = size
    counts = compress(np.array([width * height]), width=width, height=height).decode()
    return msgspec.Raw(msgspec.json.encode({"size": [height, width], "counts": counts}))


def _raw(value: object) -> msgspec.Raw:
    return value if isinstance(value, msgspec.Raw) else msgspec.Raw(msgspec.json.encode(value))
