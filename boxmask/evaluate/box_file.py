"""A ground truth written as a plain box dataset: the same ids, other boxes, no masks.

Shapes: N annotations of the ground truth.
"""

import json
from pathlib import Path

import msgspec
import numpy as np

from boxmask.data.raw.document import open_document
from boxmask.data.raw.members import split_members
from boxmask.durable import gzipped, replace_file
from boxmask.evaluate.mask_file import FloatArray, MaskFile

# What tells of the true mask, or of an earlier run's.
_TELLING = ("segmentation", "area", "boxmask")


def write_boxes(truth: MaskFile, boxes: FloatArray, path: Path) -> None:
    """Write a ground truth with `boxes` (N, 4), all else that a box dataset has as it was.

    The area is that of the box, since that of the mask would tell of it.
    """
    document = open_document(truth.path)
    other = (boxes != truth.boxes).any(axis=1) & np.isfinite(boxes).all(axis=1)
    with replace_file(path) as file, gzipped(file, path.suffix == ".gz") as stream:
        stream.write(b"{")
        for key, raw in document.members.items():
            if key != "annotations":
                stream.write(json.dumps(key).encode() + b": " + document.original(raw) + b",\n")
        stream.write(b'"annotations": [\n')
        for row, box in enumerate(boxes.tolist()):
            record = _plain(truth.records[row], box, moved=bool(other[row]))
            stream.write((b",\n" if row else b"") + record)
        stream.write(b"\n]}\n")


def _plain(record: bytes, box: list[float], *, moved: bool) -> bytes:
    own = split_members(record)
    fields: dict[str, object] = {key: raw for key, raw in own.items() if key not in _TELLING}
    x0, y0, x1, y1 = box
    if moved:
        fields["bbox"] = [x0, y0, x1 - x0, y1 - y0]
    if x0 == x0:
        fields["area"] = (x1 - x0) * (y1 - y0)
    return msgspec.json.encode(fields)
