"""A format of your own: rectangles drawn with the VGG Image Annotator (VIA 2).

    python examples/add_a_reader.py regions.json > instances.json

A reader says how to tell its format from the file's content and finds the values; `build_dataset`
judges the boxes, and the COCO form is written from the columns and each record's own keys.
"""

import sys

import msgspec
import numpy as np

import boxmask
from boxmask.data import Input, ReadOptions, build_dataset, coco_form, read_boxes
from boxmask.dataset import BoxDataset, Category
from boxmask.formats import FORMATS, Format


class Image(msgspec.Struct):
    """One image; each region is {"shape_attributes": {...}, "region_attributes": {...}}."""

    filename: str
    regions: list[msgspec.Raw]


def recognises(source: Input) -> bool:
    """Tell whether the first member of a JSON file has regions."""
    if not source.is_json:
        return False
    first = list(source.document.members.values())[:1]
    return any(b'"regions"' in bytes(raw) for raw in first)


def read(source: Input, options: ReadOptions) -> BoxDataset:
    """Turn a VIA file into columns; it does not know the images' sizes."""
    images = [msgspec.json.decode(raw, type=Image) for raw in source.document.members.values()]
    regions = [bytes(region) for image in images for region in image.regions]
    shapes = [msgspec.json.decode(region)["shape_attributes"] for region in regions]
    sides = ("x", "y", "width", "height")
    xywh, faults = read_boxes([[shape.get(side) for side in sides] for shape in shapes])
    counts = [len(image.regions) for image in images]
    unsized = np.zeros(len(images), np.int32)
    return build_dataset(
        source.path,
        "via",
        image_ids=range(1, len(images) + 1),
        file_names=[image.filename for image in images],
        widths=unsized,
        heights=unsized,
        annotation_ids=range(1, len(regions) + 1),
        xywh=xywh,
        faults=faults,
        image_index=np.repeat(np.arange(len(images), dtype=np.int32), counts),
        category_index=np.zeros(len(regions), np.int32),
        categories=[Category(1, "object")],
        records=regions,
    )


FORMATS["via"] = Format(reader=__name__, title="VIA", looks_like='members with "regions"')

if __name__ == "__main__":
    dataset = boxmask.read(sys.argv[1])
    form = coco_form(dataset)
    members = {key: msgspec.Raw(raw) for key, raw in form.top_level()}
    rows = [form.annotation(row) for row in range(len(dataset.boxes))]
    sys.stdout.write(msgspec.json.encode(members | {"annotations": rows}).decode())
