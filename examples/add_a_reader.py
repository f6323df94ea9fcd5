"""A fourth format in 30 lines: rectangles drawn with the VGG Image Annotator (VIA 2).

    python examples/add_a_reader.py regions.json > instances.json

A reader says how to tell its format from the file's content and turns it into columns; `assemble`
judges the boxes, and the COCO form is written from the columns and each record's own keys.
"""

import sys
from pathlib import Path

import msgspec
import numpy as np

from boxmask.data import Input, ReadOptions
from boxmask.data import read as read_boxes_of
from boxmask.data.boxes import read_boxes
from boxmask.data.columns import build_dataset
from boxmask.data.forms import coco_form
from boxmask.dataset import BoxDataset, Category
from boxmask.formats import FORMATS, Format


class Picture(msgspec.Struct):
    """One image; each region is {"shape_attributes": {...}, "region_attributes": {...}}."""

    filename: str
    regions: list[msgspec.Raw]


def recognises(source: Input) -> bool:
    """Tell whether the first member has regions."""
    if not source.is_json:
        return False
    first = list(source.document.members.values())[:1]
    return any(b'"regions"' in bytes(raw) for raw in first)


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Turn a VIA file into columns; it does not know the images' sizes."""
    document = source.document
    pictures = [msgspec.json.decode(raw, type=Picture) for raw in document.members.values()]
    regions = [bytes(region) for picture in pictures for region in picture.regions]
    shapes = [msgspec.json.decode(region)["shape_attributes"] for region in regions]
    sides = ("x", "y", "width", "height")
    xywh, faults = read_boxes([[shape.get(side) for side in sides] for shape in shapes])
    counts = [len(picture.regions) for picture in pictures]
    unsized = np.zeros(len(pictures), np.int32)
    return build_dataset(
        document.path,
        "via",
        image_ids=range(1, len(pictures) + 1),
        file_names=[picture.filename for picture in pictures],
        widths=unsized,
        heights=unsized,
        annotation_ids=range(1, len(regions) + 1),
        xywh=xywh,
        faults=faults,
        image_index=np.repeat(np.arange(len(pictures), dtype=np.int32), counts),
        category_index=np.zeros(len(regions), np.int32),
        categories=[Category(1, "object")],
        records=regions,
    )


FORMATS["via"] = Format(
    reader=__name__, title="VIA", looks_like='members with "regions"', boxes_key="regions"
)

if __name__ == "__main__":
    dataset = read_boxes_of(Path(sys.argv[1]))
    form = coco_form(dataset)
    members = {key: msgspec.Raw(raw) for key, raw in form.top_level()}
    rows = [form.annotation(row) for row in range(len(dataset.boxes))]
    sys.stdout.write(msgspec.json.encode(members | {"annotations": rows}).decode())
